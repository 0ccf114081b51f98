"""What the attacks will ask, counted before any model is asked."""

from collections.abc import Mapping, Sequence
from dataclasses import fields

from lit_clid.asked import AttackSpec, Cost
from lit_clid.auditing.ledger import count_queries
from lit_clid.auditing.questions import Count
from lit_clid.auditing.signals import Signals, column_names
from lit_clid.errors import UserError
from lit_clid.models.target import Target


def check_attacks(
    attacks: Mapping[str, Signals], target: Target, captions: Sequence[str]
) -> list[str]:
    """Refuse, before any query, attacks that the model, the machine or the captions cannot serve.

    Returns:
        Remarks of the attacks that can be asked.
    """
    remarks: dict[str, list[str]] = {}
    taken = {"id": "the record's id", "member": "the member column", "group": "the groups"}
    for name, attack in attacks.items():
        try:
            remark = attack.check(target, captions)
        except ValueError as error:
            raise UserError(f"attacks.{name}: {error}") from None
        if remark:
            remarks.setdefault(remark, []).append(name)
        for column in column_names(name, attack, target):
            if column in taken or name.endswith("_ref"):
                raise UserError(
                    f"attacks.{name}: the name is taken by {taken.get(column, 'the reference')}; "
                    "choose another"
                )
            taken[column] = f"attacks.{name}"
    return [f"{', '.join(names)}: {remark}" for remark, names in remarks.items()]


def describe_attacks(
    attacks: Mapping[str, Signals], target: Target, asked: Mapping[int, int] | None = None
) -> dict[str, AttackSpec]:
    """What the judgement needs to know of each attack: title, columns, rule and queries.

    Args:
        attacks: by name.
        target: the model.
        asked: number of captions over which signals are averaged → how many records have so many;
            queries are then a record's on average, rounded. None means one.
    """
    counts = _mean_counts(attacks, asked or {1: 1})
    return {
        name: AttackSpec(
            title=attack.title or type(attack).__name__,
            columns=tuple(column_names(name, attack, target)),
            rule=attack.rule,
            queries=counts[name].asked,
            backward=counts[name].backward_asked,
            evaluated=counts[name].evaluated,
            by_caption=attack.by_caption or None,
        )
        for name, attack in attacks.items()
    }


def _mean_counts(attacks: Mapping[str, Signals], asked: Mapping[int, int]) -> dict[str, Count]:
    """Counts of a record on average, rounded."""
    by_size = {size: count_queries(attacks, size) for size in asked}
    records = max(1, sum(asked.values()))
    found: dict[str, Count] = {}
    for name in attacks:
        means: dict[str, int] = {}
        for each in fields(Count):
            parts = [getattr(by_size[size][name], each.name) * n for size, n in asked.items()]
            means[each.name] = round(sum(parts) / records)
        found[name] = Count(**means)
    return found


def tally(attacks: Mapping[str, Signals], asked: Mapping[int, int]) -> Cost:
    """What asking costs; answers shared between attacks count once.

    Args:
        attacks: by name.
        asked: number of captions over which signals are averaged → how many records have so many.

    Returns:
        The cost, a record's on average and rounded; of no record, that of one caption.
    """
    records, weights = sum(asked.values()), asked or {1: 1}
    total, alone, backward = 0, 0, 0
    for size, many in weights.items():
        counts = count_queries(attacks, size).values()
        total += many * sum(count.evaluated for count in counts)
        alone += many * sum(count.asked for count in counts)
        backward += many * sum(count.backward_evaluated for count in counts)
    share = sum(weights.values())
    return Cost(
        records=records,
        per_record=round(total / share),
        per_record_one_by_one=round(alone / share),
        backward_per_record=round(backward / share),
        total=total if records else 0,
        backward_total=backward if records else 0,
    )


def announce(
    role: str,
    model: str,
    attacks: Mapping[str, Signals],
    pending: Mapping[int, int],
    finished: int,
) -> str:
    """How many queries the audit of one model will make, in words.

    Args:
        role: of the model.
        model: what it is called.
        attacks: by name.
        pending: records to be asked about, by the number of their captions (see `tally`).
        finished: records that were, in an earlier run.
    """
    cost = tally(attacks, pending)
    each, alone = cost.per_record, cost.per_record_one_by_one
    done = f" ({finished} records were finished before)" if finished else ""
    shared = ""
    if alone > each:
        shared = f"; asked one by one the {len(attacks)} attacks would make {alone} per record"
    gradients = f" and {cost.backward_total:,} backward passes" if cost.backward_total else ""
    about = "about " if cost.records * each != cost.total else ""
    said = f"{role} {model}: {cost.records} records × {about}{each} queries = "
    said += f"{cost.total:,} queries"
    return f"{said}{gradients}{done}{shared}"
