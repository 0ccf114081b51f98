"""What an audit refuses before any model is asked."""

from collections.abc import Mapping

from lit_clid.about import Facts
from lit_clid.auditing.attacks import ATTACKS, Attack
from lit_clid.auditing.lineage import Model
from lit_clid.commands.known import KNOWN_ATTACKS
from lit_clid.commands.reading import Settings
from lit_clid.data.deal import Alone
from lit_clid.data.split import Split
from lit_clid.errors import UserError, few
from lit_clid.judging.headline import choose_beforehand
from lit_clid.judging.rules import RULES
from lit_clid.judging.trials import REF, STACKED
from lit_clid.models.note import read_note
from lit_clid.scores import FEWEST, Scores
from lit_clid.source import DEMO, Source


def check_rules(attacks: Mapping[str, Attack], *, calibrated: bool) -> None:
    """Refuse attacks that all need a shadow which is not there."""
    rules = [RULES[attack.rule] for attack in attacks.values()]
    if not calibrated and all(rule.needs_shadow for rule in rules):
        raise UserError(
            f"attacks: {few(list(attacks))} cannot be judged without a shadow; train one or add "
            "others"
        )


def check_once(config: Settings, what: str) -> None:
    """Refuse records of each caption where every record is counted once."""
    if config.data.several_captions == "each":
        raise UserError(
            f"data.several_captions: {what} counts every record once, and those of one image are "
            "not independent; set it to first or average"
        )


def check_headline(config: Settings) -> None:
    """Refuse a headline that no attack has."""
    named, options = config.headline, config.audit
    if named is None:
        return
    plain = named.removesuffix(REF)
    stacked = plain == STACKED and len(config.attacks) > 1
    if plain not in config.attacks and not stacked:
        raise UserError(
            f"headline: {named!r} is not asked; name one of {', '.join(config.attacks)}, or null"
        )
    asked = stacked or plain in options.of_reference(config.attacks)
    if named != plain and (options.reference is None or not asked):
        raise UserError(
            f"headline: {named!r} needs a reference that is asked for {plain}; see audit.reference "
            "and audit.reference_attacks"
        )


def check_stacked(config: Settings, *, calibrated: bool) -> None:
    """Refuse a headline that is fitted on a shadow which is not there."""
    if (config.headline or "").removesuffix(REF) == STACKED and not calibrated:
        raise UserError(
            f"headline: {config.headline!r} is fitted on a shadow; train one, or name another"
        )


def check_part(config: Settings) -> None:
    """Refuse parts of an audit that asks in one order.

    Raises:
        UserError: where the audit would stop early.
    """
    if config.evidence.stop_at is not None and config.audit.parts[1] > 1:
        raise UserError(
            "audit.part: an audit with evidence.stop_at asks in one order and looks after every "
            "batch; set evidence.stop_at=null, or leave audit.part out"
        )


def alone_of(config: Settings, models: Mapping[str, Model]) -> Alone:
    """Whether an audit keeps records for a shadow: not for a model from elsewhere that has none;
    of one that was trained here on a part of the records, the deal of that training is met again.
    """
    source = models["target"].source
    elsewhere = config.audit.target is not None or bool(source.parts)
    if not elsewhere or "shadow" in models:
        return Alone.NO
    note = read_note(source)
    taught = note is not None and note.facts.split is not None
    return Alone.CLAIM if taught else Alone.YES


def check_calibration(target: Scores, shadow: Scores) -> None:
    """Refuse another audit as the shadow's where it is of the same records or the same model, or of
    one whose answers cannot be compared.
    """
    claims = [table.about.claims for table in (target, shadow)]
    models = [each.model for each in claims if each is not None]
    own, other = (table.about.kin or {} for table in (target, shadow))
    strange = [name for name in own if name in other and name != "architecture"]
    strange = [name for name in strange if own[name] != other[name]]
    shared = set(target.ids) & set(shadow.ids)
    if shared:
        raise UserError(
            f"shadow: {len(shared)} of its records are the audit's own, such as "
            f"{min(shared)}; a shadow is trained, and audited, on others"
        )
    if len(models) > 1 and models[0] == models[1]:
        raise UserError("shadow: is the audited model itself; hand over the audit of another")
    if strange:
        raise UserError(
            f"shadow: has another {few(strange)} than the audited model, so that their answers "
            "cannot be compared; audit one that was made from the same base"
        )


def check_answerable(
    config: Settings,
    models: Mapping[str, Model],
    split: Split,
    *,
    calibrated: bool = False,
    there: bool = True,
) -> None:
    """Refuse, before anything is asked, what an audit could not answer.

    Args:
        models: to be asked, by role.
        calibrated: a shadow's answers are there already.
        there: false while a target is to be trained first, for which its base stands.
    """
    if there:
        check_members(config, split, models["target"])
    _check_suspects(config, split, models)
    _check_cascade(config, split)
    if config.evidence.stop_at is not None:
        _check_stopping(config, split)
    check_rules(config.attacks, calibrated=calibrated or "shadow" in models)


def _says_what_it_saw(model: Model) -> bool:
    """Whether a model's note tells of the training that made it."""
    note = read_note(model.source)
    return note is not None and note.facts != Facts()


def doubt_of_shadow(models: Mapping[str, Model]) -> str:
    """A remark on a shadow that does not say what it was trained on; empty without one."""
    shadow = models.get("shadow")
    if shadow is None or _says_what_it_saw(shadow):
        return ""
    return (
        f"note: nothing says that the shadow {shadow.source} was trained on the records that "
        "split.csv gives to it; if it was not, what is fitted on it means nothing"
    )


def check_members(config: Settings, split: Split, model: Model, role: str = "target") -> None:
    """Refuse members that the seed alone made members: of the embedded drawings and of the
    embedded base it is known what they are to each other.
    """
    drawn = split.of(role, True) and not split.vouched
    control = not split.suspects and (config.data.embedded or model.source == Source(DEMO))
    if drawn and not control and not _says_what_it_saw(model):
        raise UserError(
            f"audit.{role}: nothing says that {model.source} was trained on the records that the "
            "seed deals as its members; say who is a member (data.member_column, or "
            "data.nonmember_path for records that it never saw), ask about suspects "
            "(data.suspects, beside comparable records in data, without a shadow), or train a "
            "model here first"
        )


def _check_suspects(config: Settings, split: Split, models: Mapping[str, Model]) -> None:
    """Refuse what could not be answered about suspects."""
    if not split.suspects:
        return
    for count, kind in (
        (len(split.suspects), "suspects"),
        (len(split.of("target", False)), "hold-outs"),
    ):
        if count < FEWEST:
            raise UserError(f"data: {count} {kind} are too few; give at least {FEWEST}")
    if "shadow" not in models and config.headline is None:
        choose_beforehand(list(config.attacks))


def _check_cascade(config: Settings, split: Split) -> None:
    """Refuse a second stage that cannot be asked, or of which nobody is in question."""
    name = config.evidence.cascade
    if name is None:
        return
    if not split.suspects:
        raise UserError(
            "evidence.cascade: there are no suspects to list; name some with data.suspects, or set "
            "it to null"
        )
    known = {**ATTACKS, **config.attacks}
    if name in KNOWN_ATTACKS:
        known.setdefault(name, KNOWN_ATTACKS[name])
    alone = [each for each, attack in known.items() if not RULES[attack.rule].needs_shadow]
    if name not in alone:
        raise UserError(
            f"evidence.cascade: {name!r} is no attack that needs no shadow: {', '.join(alone)}"
        )


def _check_stopping(config: Settings, split: Split) -> None:
    """Refuse to stop an audit that is not of suspects alone."""
    if not split.suspects or split.of("target", True):
        raise UserError(
            "evidence.stop_at: stops an audit of suspects beside hold-outs, as soon as the set is "
            "shown to be in the training data; here members are known, or nobody is a suspect: set "
            "it to null"
        )
    if (config.headline or "").endswith(REF) or config.headline == STACKED:
        raise UserError(
            f"headline: {config.headline} needs further models or attacks, evidence.stop_at asks "
            "one; name a plain attack"
        )
