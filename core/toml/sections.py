"""Define what every section of a TOML file that people write has in common: unknown fields are errors."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
Sentence = Annotated[str, Field(min_length=1, max_length=1000)]


class Section(BaseModel):
    """A section of a file, such as that of a campaign or of an experiment."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True, allow_inf_nan=False)
