"""What Why records add to the counts of their minutes and days, as `store/why.lua` takes it. Pure."""

from collections import defaultdict
from collections.abc import Sequence

import msgspec

from gateway import timestamps
from gateway.alike import Alike, Own

_MOST_TOKENS = 10**9  # that one call is believed to have used
_MOST_USD = 10**3  # and to have cost: what Redis adds up has 63 bits
_TO_THE_MINUTE = len("2026-11-22T12:00")
_TO_THE_DAY = len("2026-11-22")
# Of these the model was not the gateway's to choose.
_NOT_CHOSEN = (None, "endpoint_not_tunable", "foreign_fine_tune")
_ENCODER = msgspec.json.Encoder()

# By arm, model and workflow: the numbers that `store/why.lua` calls METRICS.
Counts = dict[tuple[bool, str | None, str | None], list[int]]
# Calls by tenant and minute since the epoch: of the stock model, of the fine-tuned one.
Minutes = dict[tuple[str, int], list[int]]
# By tenant and day, `YYYY-MM-DD`.
Days = dict[tuple[str, str], Counts]
_ByMinute = dict[tuple[Alike, str], list[int]]


def counted(batch: Sequence[tuple[Alike, Own]]) -> tuple[Minutes, Days]:
    """What a batch of calls adds."""
    found = _added_up(batch)
    return _minutes(found), _days(found)


def lines(day: str, counts: Counts) -> bytes:
    """A day's counts as `store/why.lua` takes them."""
    made = [day.encode()]
    for combination, count in counts.items():
        made.append(b"%d %d %d %d %d %d " % tuple(count) + _ENCODER.encode(combination))
    return b"\n".join(made)


def _added_up(batch: Sequence[tuple[Alike, Own]]) -> _ByMinute:
    """The six numbers, without the second, of calls that are alike, by minute."""
    found: _ByMinute = {}
    for alike, own in batch:
        place = (alike, own.time[:_TO_THE_MINUTE])
        count = found.get(place)
        if count is None:
            count = found[place] = [0, 0, 0, 0, 0, 0]
        count[0] += 1
        read, written, cost = own.input_tokens, own.output_tokens, own.cost_usd
        if read:
            count[2] += read if 0 < read < _MOST_TOKENS else _believed(read)
        if written:
            count[3] += written if 0 < written < _MOST_TOKENS else _believed(written)
        if cost is not None and 0 <= cost <= _MOST_USD:
            count[4] += round(cost * 1e9)
        elif alike.attempts and alike.status < 400:  # what was refused, here or there, cost nothing
            count[5] += 1
    return found


def _minutes(found: _ByMinute) -> Minutes:
    minutes: dict[str, int] = {}
    calls: defaultdict[tuple[str, int], list[int]] = defaultdict(lambda: [0, 0])
    for (alike, written), count in found.items():
        if alike.reason in _NOT_CHOSEN:
            continue
        minute = minutes.get(written)
        if minute is None:
            minute = minutes[written] = int(timestamps.to_seconds(f"{written}Z")) // 60
        calls[alike.tenant, minute][alike.fine_tuned] += count[0]
    return calls


def _days(found: _ByMinute) -> Days:
    days: defaultdict[tuple[str, str], Counts] = defaultdict(dict)
    for (alike, written), count in found.items():
        if alike.status >= 400 or alike.status == 0 or alike.error is not None:
            count[1] = count[0]
        counts = days[alike.tenant, written[:_TO_THE_DAY]]
        combination = (alike.fine_tuned, alike.routed_model or alike.requested_model, alike.workflow)
        before = counts.get(combination)
        counts[combination] = count if before is None else [a + b for a, b in zip(before, count, strict=True)]
    return days


def _believed(tokens: int) -> int:
    """What a provider says of a call's tokens, within reason."""
    return min(max(tokens, 0), _MOST_TOKENS)
