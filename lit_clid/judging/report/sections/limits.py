"""What no audit of this kind can show."""

from typing import ClassVar

from lit_clid.judging.report.section import Section


class Limits(Section):
    """What the reader must not conclude."""

    template: ClassVar[str] = """
<h2>What this audit does not prove</h2>
<ul>
<li>A high score is evidence about the set of records, and weaker evidence about any one of them:
read the TPR at a low FPR, not the AUROC, before accusing.</li>
<li>Members and hold-outs must come from one distribution. If they differ in any other way (source,
date, style), the attacks may detect that instead of training.</li>
<li>Near-duplicates of a record in the training set look like the record itself.</li>
<li>An interval that contains 0.5 does not show that the records were not used, only that these
attacks cannot tell.</li>
<li>Intervals cover the choice of records. They do not cover another training run of the same
recipe, nor another shadow.</li>
</ul>
"""
