"""What a campaign found."""

from dataclasses import asdict, dataclass, field


@dataclass
class Result:
    """``wrong`` is empty when all went well; ``figures`` are for the table."""

    name: str
    tried: int = 0
    wrong: list[str] = field(default_factory=list)
    figures: dict = field(default_factory=dict)

    def expect(self, right, what):
        """Note what is wrong unless it is right."""
        if not right:
            self.wrong.append(what)

    def as_dict(self):
        """Return it, JSON-ready."""
        return asdict(self)

    def lines(self):
        """Yield the lines of its table."""
        yield f"{self.name:22} {self.tried:7} tried   {len(self.wrong):3} wrong"
        for name, value in self.figures.items():
            yield f"    {name}: {value}"
        for what in self.wrong[:20]:
            yield f"    WRONG {what}"
