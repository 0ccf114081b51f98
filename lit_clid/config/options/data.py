"""Options of the data: where records come from and how many play which part."""

from dataclasses import dataclass

from lit_clid.errors import UserError, few

ROLES = ("target", "shadow")
"""Whose records: the model's under audit, or those of the model that calibrates it."""

EMBEDDED = ("critters", "scenes")
"""Sources that are nobody's."""

MEMORY = "memory"
"""`data.source` of records that Python code hands over."""

OWN = "the data's"
"""Whose captions they are where no model writes them."""


@dataclass(frozen=True)
class DataOptions:
    """Where records come from.

    Args:
        source: "critters" or "scenes" (embedded), "imagefolder", a hub id, or a file pattern:
            webdataset shards (.tar), zipped folders (.zip), tables that hold images (.parquet,
            .arrow), lists of paths (.csv, .tsv, .jsonl, .sqlite, .db). "owner/name@revision" is a
            branch, tag or commit of a hub id. "memory" are records that Python code hands over.
        path: folder of an imagefolder, or a file or pattern that stands for one; the file or
            pattern when `source` is "webdataset", "zip", "parquet", "arrow" or "list". A folder
            that holds no images but shards is read as these (img2dataset).
        root: folder that the paths in lists and tables start from and may not leave; null: that of
            the list.
        config: configuration of a hub data set, or table of an SQLite file, where it has several.
        split: split of the source to read.
        stream: so many first rows of a hub data set are streamed, and kept in the library's cache,
            instead of downloading all of it; null downloads it.
        sample: of `source`, and of the source of hold-outs, at most so many records are taken,
            drawn by their names before any is decoded, the same whatever the seed; null takes
            all. The others are not compared with hold-outs.
        nonmember_source, nonmember_path: a second source that supplies the hold-outs; null draws
            both from `source`. With a path alone it is of the kind of `source`.
        suspects, suspects_path: a source of records whose membership nobody knows; with a path
            alone it is of the kind of `source`. Without a shadow
            to train, the model's own members are then not needed: with a model from elsewhere
            (`audit.target`) and no member column, every record of `source` is a hold-out.
        member_column: column that says who is a member, used if it exists; null never looks. Where
            its cell is empty the record is a suspect.
        group_column: column that says which artist, client or domain a record is of; every group of
            suspects then gets a verdict of its own. "folder" means the sub-folder of its image.
        image_column, caption_column, importance_column, rephrasings_column: column names; null
            finds image and caption by type and usual names. In a webdataset the endings of its
            files and the keys of the `.json` beside them are the columns. The importance column
            holds one number per word of the caption, the rephrasings column further captions, one
            or a list; null takes those after the first where a caption cell is a list.
            `caption_column` may name several by a pattern, such as "caption_*", in their order.
        captions: an image-to-text model of transformers (folder or hub id) that writes the captions
            of all records, once, whatever captions they have; null takes those of the data. Attacks
            that live on captions lose power, unless the model was trained on these.
        several_captions: where records have more than one (a list in their cell, several lines,
            columns such as "caption_*", the rephrasings): "first" asks about the first, "average"
            takes the mean of every signal over all of them, "each" makes a record of each, named
            `id`, `id#2`, …, which stay together: `members` and `nonmembers` then count images, and
            intervals resample these. Training takes the first, or the defense `several_captions`
            draws; under "each" every record is trained on.
        members, nonmembers: records per role (target and shadow each); null takes as many as there
            are.
        shadow: "disjoint" gives the shadow records that the target's split does not touch;
            "redrawn" deals its members and hold-outs anew from all records, independently of the
            target's, for sources too small for both.
        on_error: "fail" or "skip" rows whose image does not decode or whose caption is empty.
        on_duplicates: "fail" if a member and a hold-out share an image or a caption, or "drop"
            records that share one with another (the first stays). Captions are the same where the
            model's tokenizers make the same tokens of them.
        shared_captions: may members and hold-outs share captions? "refuse": no, see
            `on_duplicates`; "keep": yes, and images alone must differ; "auto" keeps them where
            there are fewer captions than half the images (one prompt for a subject, templates), and
            refuses them otherwise.
        verify: how it is made sure, whenever a split is re-read, that its records did not change.
            "auto": a file of the same size and times is the same, of others the bytes decide, and
            where those differ the pixels; "content" reads the bytes of every file.
        resolution: side of the square images in pixels; null takes the model's.
        random_crop: in every pass another square of a training image that is not square (the
            paper's recipe); latents are then not cached. Everything else that changes training
            images is a defense.
        buckets: training batches hold images of one shape each, with about the area of the square,
            instead of its centre: a shape is taken by the images whose aspect ratio is nearest, if
            they fill a batch. Audits and held-out losses keep the square.
        workers: processes that load images.
    """

    source: str = "critters"
    path: str | None = None
    root: str | None = None
    config: str | None = None
    split: str = "train"
    stream: int | None = None
    sample: int | None = None
    nonmember_source: str | None = None
    nonmember_path: str | None = None
    suspects: str | None = None
    suspects_path: str | None = None
    member_column: str | None = "member"
    group_column: str | None = None
    image_column: str | None = None
    caption_column: str | None = None
    importance_column: str | None = None
    rephrasings_column: str | None = None
    captions: str | None = None
    several_captions: str = "first"
    members: int | None = 256
    nonmembers: int | None = 256
    shadow: str = "disjoint"
    on_error: str = "fail"
    on_duplicates: str = "fail"
    shared_captions: str = "auto"
    verify: str = "auto"
    resolution: int | None = None
    random_crop: bool = False
    buckets: bool = False
    workers: int = 0

    def __post_init__(self) -> None:
        for key, value, allowed in (
            ("shadow", self.shadow, ("disjoint", "redrawn")),
            ("on_error", self.on_error, ("fail", "skip")),
            ("on_duplicates", self.on_duplicates, ("fail", "drop")),
            ("several_captions", self.several_captions, ("first", "average", "each")),
            ("shared_captions", self.shared_captions, ("auto", "refuse", "keep")),
            ("verify", self.verify, ("auto", "content")),
        ):
            if value not in allowed:
                raise UserError(f"data.{key}: {value!r} is not one of {', '.join(allowed)}")
        for key, count in (
            ("members", self.members),
            ("nonmembers", self.nonmembers),
            ("resolution", self.resolution),
            ("stream", self.stream),
            ("sample", self.sample),
        ):
            if count is not None and count < 1:
                raise UserError(
                    f"data.{key}: {count} is not a positive number; give one, or null for the "
                    "default"
                )
        if self.several_captions != "first" and self.importance_column is not None:
            raise UserError(
                "data.several_captions: data.importance_column speaks of the words of one caption; "
                "set it to null, or ask about the first caption"
            )
        told = ("caption_column", "importance_column", "rephrasings_column")
        given = [f"data.{key}" for key in told if getattr(self, key) is not None]
        if self.captions is not None and given:
            raise UserError(
                f"data.captions: {self.captions} writes every caption, and {few(given)} speaks of "
                "captions in the data; set one of them to null"
            )
        if self.workers < 0:
            raise UserError(f"data.workers: {self.workers} must be 0 or more")

    @property
    def nonmembers_from(self) -> str | None:
        """The source of the hold-outs; None where `source` supplies them."""
        return self._kind(self.nonmember_source, self.nonmember_path)

    @property
    def suspects_from(self) -> str | None:
        """The source of the suspects; None where there is none."""
        return self._kind(self.suspects, self.suspects_path)

    @property
    def sources(self) -> tuple[str, ...]:
        """All of them."""
        found = (self.source, self.nonmembers_from, self.suspects_from)
        return tuple(source for source in found if source is not None)

    @property
    def embedded(self) -> bool:
        """Whether all records are embedded drawings."""
        return all(source in EMBEDDED for source in self.sources)

    def _kind(self, source: str | None, path: str | None) -> str | None:
        return self.source if source is None and path is not None else source

    @property
    def drawn_from(self) -> dict[str, object]:
        """The options that decide which record plays which part; they must agree wherever a split
        is re-read.

        Paths are not among them: the manifest's hashes tell whether the contents are the same.
        """
        keys = (
            "source",
            "config",
            "split",
            "stream",
            "sample",
            "nonmember_source",
            "suspects",
            "member_column",
            "image_column",
            "caption_column",
            "members",
            "nonmembers",
            "shadow",
            "on_error",
            "on_duplicates",
            "shared_captions",
        )
        told = {key: getattr(self, key) for key in keys}
        others = {"nonmember_source": self.nonmembers_from, "suspects": self.suspects_from}
        each = self.several_captions == "each"
        told["several_captions"] = "each" if each else "first"  # averaged, they are the same rows
        told["captions"] = OWN if self.captions is None else "a model's"
        return {**told, **others}
