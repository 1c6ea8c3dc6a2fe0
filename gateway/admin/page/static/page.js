// What the page does in the browser, besides htmx: times and days in the reader's zone, the one dialog, looking again when
// the server says that something has changed, and saying when it does not answer. No state; without this script everything works by links and forms.
"use strict";

(() => {
  const shapes = {
    moment: new Intl.DateTimeFormat("en-GB", {
      day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short",
    }),
    day: new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" }),
  };

  function times() {
    for (const one of document.querySelectorAll("time[data-shown]")) {
      const words = shapes[one.dataset.shown].format(new Date(one.dateTime));
      if (one.textContent !== words) one.textContent = words;
    }
  }

  // A day that is typed is one of the reader's own: by how much its beginning, or its end, differs from UTC's goes with it.
  function offset(day) {
    const minutes = -day.getTimezoneOffset();
    const two = (number) => String(Math.floor(number)).padStart(2, "0");
    return `${minutes < 0 ? "-" : "+"}${two(Math.abs(minutes) / 60)}:${two(Math.abs(minutes) % 60)}`;
  }

  function zones() {
    for (const one of document.querySelectorAll("[data-zone]")) {
      const parts = new Intl.DateTimeFormat("en-GB", { timeZoneName: "short" }).formatToParts();
      one.textContent = parts.find((part) => part.type === "timeZoneName").value;
    }
  }

  document.addEventListener("submit", (event) => {
    for (const one of event.target.querySelectorAll("input[data-zoned]")) {
      const [year, month, day] = one.value.split("-").map(Number);
      const zone = one.nextElementSibling?.matches("input[type=hidden]") ? one.nextElementSibling : document.createElement("input");
      Object.assign(zone, { type: "hidden", name: `${one.name}_zone`, disabled: !day });
      if (day) zone.value = offset(new Date(year, month - 1, day + (one.dataset.zoned === "next" ? 1 : 0)));
      one.after(zone);
    }
  });

  const dialog = document.getElementById("ask");

  document.addEventListener("click", (event) => {
    if (dialog.open && event.target.closest("[data-close]")) {
      event.preventDefault();
      dialog.close();
    }
  });

  // A link that is said to be a button must answer to the space bar as one.
  document.addEventListener("keydown", (event) => {
    if (event.key === " " && event.target.matches("a[role=button]")) {
      event.preventDefault();
      event.target.click();
    }
  });

  document.addEventListener("htmx:config:request", (event) => {
    const token = document.querySelector("meta[name=csrf]");
    if (token) event.detail.ctx.request.headers["X-CSRF-Token"] = token.content;
  });

  document.addEventListener("htmx:after:swap", (event) => {
    const { sourceElement, target: named } = event.detail.ctx;
    const target = typeof named === "string" ? document.querySelector(named) : named; // HX-Retarget's is a text
    const notice = document.getElementById("notice");
    if (target === dialog && !dialog.open) dialog.showModal();
    else if (target === notice) {
      notice.dataset.from = sourceElement.id;
      if (dialog.open && sourceElement.id !== "live") dialog.close();
      notice.scrollIntoView({ block: "nearest" });
    } else if (target.id === "live" && notice.dataset.from === "live") {
      notice.replaceChildren(); // it said why the page could not look, which it can again
    }
    times();
    zones();
    unreached.hidden = true;
  });

  // The server did not answer: what stands here may be old, and a change that was asked for may be made or not.
  const unreached = document.getElementById("unreached");
  document.addEventListener("htmx:error", (event) => {
    if (event.detail.ctx?.response) return;
    if (dialog.open) dialog.close();
    unreached.hidden = false;
    unreached.scrollIntoView({ block: "nearest" });
  });

  const look = () => document.body.dispatchEvent(new CustomEvent("live"));
  const url = document.body.dataset.live;
  if (url) {
    let source = null, asking = null, again = null;
    const listen = () => {
      source = new EventSource(url);
      source.onopen = () => { clearInterval(asking); asking = null; document.body.dataset.listening = "yes"; };
      source.addEventListener("changed", look);
      source.addEventListener("ended", (event) => { stop(); location.assign(event.data); });
      source.onerror = () => {
        document.body.dataset.listening = "no";
        asking ??= setInterval(look, 5000);
        if (source.readyState === EventSource.CLOSED) again = setTimeout(listen, 15000);
      };
    };
    const stop = () => { source.close(); clearInterval(asking); clearTimeout(again); };
    // Who signs out goes where that leads, not where the end of the session would.
    document.addEventListener("submit", (event) => { if (event.target.matches(".me")) stop(); });
    listen();
  }

  times();
  zones();
})();
