"""The sections of the report, in their order on the page and of their keys in report.json."""

from lit_clid.judging.report.section import Section
from lit_clid.judging.report.sections.attacks import AttackTable
from lit_clid.judging.report.sections.captions import Captions
from lit_clid.judging.report.sections.controls import Controls
from lit_clid.judging.report.sections.curves import Histograms, Roc
from lit_clid.judging.report.sections.limits import Limits
from lit_clid.judging.report.sections.opening import Opening
from lit_clid.judging.report.sections.provenance import Provenance
from lit_clid.judging.report.sections.published import Published
from lit_clid.judging.report.sections.quarantine import Quarantine
from lit_clid.judging.report.sections.queries import Queries
from lit_clid.judging.report.sections.reading import Reading
from lit_clid.judging.report.sections.surest import Surest
from lit_clid.judging.report.sections.suspects import SuspectsInWords
from lit_clid.judging.report.sections.verdict import VerdictInWords

SECTIONS: tuple[Section, ...] = (
    Opening(),
    VerdictInWords(),
    SuspectsInWords(),
    Controls(),
    Captions(),
    Quarantine(),
    AttackTable(),
    Roc(),
    Histograms(),
    Surest(),
    Limits(),
    Reading(),
    Published(),
    Queries(),
    Provenance(),
)
