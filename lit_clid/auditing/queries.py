"""What the attacks will ask, counted before any model is asked."""

from collections.abc import Mapping, Sequence

from lit_clid.asked import AttackSpec, Cost
from lit_clid.auditing.ledger import count_queries
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


def describe_attacks(attacks: Mapping[str, Signals], target: Target) -> dict[str, AttackSpec]:
    """What the judgement needs to know of each attack: title, columns, rule and queries."""
    counts = count_queries(attacks)
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


def tally(attacks: Mapping[str, Signals], records: int) -> Cost:
    """What asking about so many records costs; answers shared between attacks count once."""
    counts = count_queries(attacks).values()
    each = sum(count.evaluated for count in counts)
    backward = sum(count.backward_evaluated for count in counts)
    return Cost(
        records=records,
        per_record=each,
        per_record_one_by_one=sum(count.asked for count in counts),
        backward_per_record=backward,
        total=records * each,
        backward_total=records * backward,
    )


def announce(
    role: str, model: str, attacks: Mapping[str, Signals], pending: int, finished: int
) -> str:
    """How many queries the audit of one model will make, in words.

    Args:
        role: of the model.
        model: what it is called.
        attacks: by name.
        pending: records to be asked about.
        finished: records that were, in an earlier run.
    """
    cost = tally(attacks, pending)
    each, alone = cost.per_record, cost.per_record_one_by_one
    done = f" ({finished} records were finished before)" if finished else ""
    shared = ""
    if alone > each:
        shared = f"; asked one by one the {len(attacks)} attacks would make {alone} per record"
    gradients = f" and {cost.backward_total:,} backward passes" if cost.backward_total else ""
    said = f"{role} {model}: {pending} records × {each} queries = {cost.total:,} queries"
    return f"{said}{gradients}{done}{shared}"
