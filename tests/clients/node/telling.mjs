// How a client's program tells what it got: one JSON line a case. Nothing but Node's own, for any environment.
const OURS = ["x-call-id", "x-fine-tuned", "x-model-reason"]; // what the gateway says of a call

/** Runs the cases named on the command line. Each gets the headers that mark its calls, and returns or throws. */
export async function tell(cases) {
  for (const name of process.argv.slice(2)) {
    const got = await outcome(cases[name], { "x-case": `${process.env.CLIENT}/${name}` });
    console.log(JSON.stringify({ case: name, ...got }));
  }
}

/** A text that came in pieces: whole, and in how many. */
export const pieces = (parts) => ({ text: parts.join(""), pieces: parts.length });

/** What the gateway said of a call; `header` gives one by its name. */
export const ours = (header) => ({ headers: Object.fromEntries(OURS.map((name) => [name, header(name)])) });

async function outcome(run, headers) {
  try {
    return await run(headers);
  } catch (error) {
    const { name, message, status, statusCode } = error;
    const raised = name && name !== "Error" ? name : error.constructor.name; // a kind that has no name has a class
    return { raised, message, status: status ?? statusCode };
  }
}
