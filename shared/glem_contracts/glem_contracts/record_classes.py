"""The list of record classes: each kind of record about a person, its owner, how its records end, its bounds and its public words.

Everything that is kept about a person belongs to one of these classes, and ends in one of three ways; there is no fourth.
The owner declares beside its table how records of the class are found and erased (`glem_retention.declarations`).
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

DAY = timedelta(days=1)


class Way(StrEnum):
    """How records of a class end."""

    CLOCK = "by the clock"
    """A period of the agency's policy after the record's anchor, on the retention worker's order."""
    ACT = "in an act"
    """Deleted in the transaction that ends or replaces the record, and listed in its event."""
    PARENT = "with its parent"
    """Deleted with its parent, such as a card with its patron."""


@dataclass(frozen=True)
class Words:
    """The same words in Danish and in English."""

    da: str
    en: str


@dataclass(frozen=True, kw_only=True)
class RecordClass:
    """One kind of record about a person.

    `title`, `begins` (from what the period is counted) and `until` (how long, without a period) are what the public policy page
    says; `rows` are the rows of the checklist that the class keeps where no policy names them.

    `actions` are what a policy may do with the class; `shortest` and `longest` bound its period (H74); `ahead` is how far an
    anchor may lie in the future (H60). A class that ends by the clock has actions, every other has none. An agency may leave
    out only the policy of an `optional` class.
    """

    name: str
    owner: str
    way: Way
    title: Words
    begins: Words | None = None
    until: Words | None = None
    rows: tuple[str, ...] = ()
    actions: frozenset[str] = frozenset()
    shortest: timedelta = DAY
    longest: timedelta = 365 * DAY
    ahead: timedelta = timedelta(minutes=5)
    optional: bool = False


ERASE, REDACT, EITHER = frozenset({"erase"}), frozenset({"redact"}), frozenset({"erase", "redact"})
YEARS = 366 * DAY

# In the order of the public page.
RECORD_CLASSES = {
    item.name: item
    for item in (
        RecordClass(
            name="loan",
            owner="loan-api",
            way=Way.CLOCK,
            title=Words("Lån", "Loans"),
            begins=Words(
                "afleveringen, eller betalingen af det, der skyldes for lånet, hvis den kommer senere",
                "the return, or the payment of what is owed for the loan when that is later",
            ),
            actions=ERASE,
        ),
        RecordClass(
            name="debt",
            owner="loan-api",
            way=Way.CLOCK,
            title=Words("Mellemværender", "Debts"),
            begins=Words("den dag, mellemværendet er gjort op", "the day on which the debt is settled"),
            actions=EITHER,
        ),
        RecordClass(
            name="debt-amount",
            owner="loan-api",
            way=Way.CLOCK,
            title=Words("Beløb og datoer for mellemværender", "Amounts and dates of debts"),
            begins=Words(
                "udgangen af det regnskabsår, hvor mellemværendet blev gjort op",
                "the end of the accounting year in which the debt was settled",
            ),
            until=Words(
                "Beløb og datoer slettes sammen med mellemværendet.", "Amounts and dates go together with the debt."
            ),
            rows=("R52", "R53"),
            actions=ERASE,
            longest=6 * YEARS,
            ahead=YEARS + DAY,
            optional=True,
        ),
        RecordClass(
            name="reservation",
            owner="loan-api",
            way=Way.ACT,
            title=Words("Reserveringer", "Reservations"),
            until=Words(
                "Slettes med det samme, når materialet lånes, eller reserveringen afbestilles eller udløber.",
                "Erased at once when the item is lent, or the reservation is cancelled or expires.",
            ),
            rows=("R46", "R47", "R48"),
        ),
        RecordClass(
            name="homebound-work",
            owner="loan-api",
            way=Way.CLOCK,
            title=Words(
                "Værker, som en låner med »Biblioteket kommer« har haft", "Works that a homebound patron has had"
            ),
            begins=Words(
                "begyndelsen af den måned, værket kom på listen",
                "the beginning of the month in which the work entered the list",
            ),
            until=Words(
                "Huskes ikke: biblioteket har ingen sådan ordning her.",
                "Not remembered: the library has no such scheme here.",
            ),
            rows=("R43", "R44"),
            actions=ERASE,
            longest=6 * YEARS,
            optional=True,
        ),
        RecordClass(
            name="message-body",
            owner="notifier",
            way=Way.CLOCK,
            title=Words("Teksten i beskeder", "The text of messages"),
            begins=Words("afsendelsen", "the sending"),
            actions=REDACT,
        ),
        RecordClass(
            name="message-envelope",
            owner="notifier",
            way=Way.CLOCK,
            title=Words("Oversigten over sendte beskeder", "The overview of messages sent"),
            begins=Words("afsendelsen", "the sending"),
            until=Words(
                "Bevares, så længe du er låner. Den siger hvornår og hvordan, ikke om hvad.",
                "Kept as long as you are a patron. It says when and how, not about what.",
            ),
            rows=("R59", "R60"),
            actions=ERASE,
            longest=3 * YEARS,
            optional=True,
        ),
        RecordClass(
            name="absence",
            owner="patron-api",
            way=Way.CLOCK,
            title=Words("Fraværsperioder", "Absences"),
            begins=Words("periodens slutning", "the end of the period"),
            actions=ERASE,
            shortest=timedelta(),
            ahead=10 * YEARS,
        ),
        RecordClass(
            name="lifted-block",
            owner="patron-api",
            way=Way.CLOCK,
            title=Words("Blokeringer", "Blocks"),
            begins=Words("den dag, blokeringen ophæves", "the day on which the block is lifted"),
            actions=ERASE,
        ),
        RecordClass(
            name="internal-note",
            owner="patron-api",
            way=Way.CLOCK,
            title=Words("Interne noter", "Internal notes"),
            begins=Words("den dag, noten er skrevet", "the day on which the note was written"),
            actions=ERASE,
        ),
        RecordClass(
            name="patron-note",
            owner="patron-api",
            way=Way.CLOCK,
            title=Words("Noter til dig", "Notes to you"),
            begins=Words("den dag, noten er skrevet", "the day on which the note was written"),
            actions=ERASE,
        ),
        RecordClass(
            name="patron",
            owner="patron-api",
            way=Way.ACT,
            title=Words("Dig som låner", "You as a patron"),
            until=Words(
                "Slettes, når du beder om det, og intet er lånt eller skyldes.",
                "Erased when you ask for it and nothing is lent or owed.",
            ),
            rows=("R3", "R4", "R5", "R6", "R7", "R12", "R16", "R17", "R18", "R19", "R21", "R25", "R32"),
        ),
        RecordClass(
            name="contact",
            owner="patron-api",
            way=Way.ACT,
            title=Words("Adresse, telefon og e-mail", "Address, phone and e-mail"),
            until=Words(
                "En gammel oplysning slettes, i det øjeblik den erstattes; resten sammen med dig som låner.",
                "An old value is erased the moment it is replaced; the rest together with you as a patron.",
            ),
            rows=("R4", "R8", "R9", "R10", "R11"),
        ),
        RecordClass(
            name="card",
            owner="patron-api",
            way=Way.ACT,
            title=Words("Lånerkort", "Cards"),
            until=Words(
                "Slettes, når kortet tages af, og sammen med dig som låner.",
                "Erased when the card is taken off, and together with you as a patron.",
            ),
            rows=("R20",),
        ),
        RecordClass(
            name="guardian",
            owner="patron-api",
            way=Way.CLOCK,
            title=Words("Værge", "Guardian"),
            begins=Words(
                "barnets 18-års fødselsdag, eller betalingen af det, barnet skylder, hvis den kommer senere",
                "the child's 18th birthday, or the payment of what the child owes when that is later",
            ),
            actions=ERASE,
            shortest=timedelta(),
            ahead=19 * YEARS,
        ),
        RecordClass(
            name="export-request",
            owner="patron-api",
            way=Way.CLOCK,
            title=Words("Ønsker om at se data", "Wishes to see data"),
            begins=Words("den dag, ønsket er fremsat", "the day on which the wish was made"),
            actions=ERASE,
            longest=30 * DAY,
        ),
        RecordClass(
            name="erasure-request",
            owner="patron-api",
            way=Way.CLOCK,
            title=Words("Ønsker om at blive slettet", "Wishes to be erased"),
            begins=Words(
                "den dag, ønsket er opfyldt eller afslået", "the day on which the wish was fulfilled or refused"
            ),
            actions=ERASE,
        ),
        RecordClass(
            name="access-log",
            owner="patron-api",
            way=Way.CLOCK,
            title=Words("Hvem af personalet der har taget dine oplysninger ud", "Who of the staff took your data out"),
            begins=Words("den dag, oplysningerne blev taget ud", "the day on which the data were taken out"),
            actions=ERASE,
            longest=2 * YEARS,
        ),
        RecordClass(
            name="viewing",
            owner="loan-api",
            way=Way.CLOCK,
            title=Words(
                "Hvem af personalet der har set dine afsluttede lån", "Who of the staff looked at your ended loans"
            ),
            begins=Words("den dag, lånene blev set", "the day on which the loans were looked at"),
            actions=ERASE,
            longest=2 * YEARS,
        ),
        RecordClass(
            name="account",
            owner="patron-api",
            way=Way.ACT,
            title=Words("Personalets konti", "Accounts of staff"),
            until=Words("Slettes, når kontoen lukkes.", "Erased when the account is closed."),
            rows=("R112",),
        ),
        RecordClass(
            name="legal-hold",
            owner="retention-worker",
            way=Way.CLOCK,
            title=Words(
                "Hvem der har bedt om, at noget fastholdes, og hvorfor", "Who asked for something to be held, and why"
            ),
            begins=Words("fastholdelsens slutning", "the end of the hold"),
            actions=ERASE,
            longest=2 * YEARS,
            ahead=YEARS + DAY,
        ),
        RecordClass(
            name="policy-change",
            owner="retention-worker",
            way=Way.CLOCK,
            title=Words("Hvem af personalet der har ændret denne politik", "Who of the staff changed this policy"),
            begins=Words(
                "den dag, ændringen blev foreslået, godkendt eller trukket tilbage",
                "the day on which the change was proposed, approved or withdrawn",
            ),
            actions=REDACT,
            longest=6 * YEARS,
        ),
        RecordClass(
            name="breaker-acknowledgement",
            owner="retention-worker",
            way=Way.CLOCK,
            title=Words(
                "Hvem af personalet der har givet tilbageholdte sletninger fri",
                "Who of the staff let erasures go that were kept back",
            ),
            begins=Words("den dag, de blev givet fri", "the day on which they were let go"),
            actions=REDACT,
            longest=6 * YEARS,
        ),
    )
}


def complaint(name: str, action: str, period: timedelta) -> str | None:
    """Say what is wrong with a policy of class `name`, or None when nothing is."""
    record_class = RECORD_CLASSES.get(name)
    if record_class is None:
        return f"unknown record class; known: {', '.join(sorted(RECORD_CLASSES))}"
    if not record_class.actions:
        return "records of this class go at once; they take no policy"
    if action not in record_class.actions:
        return f"action: must be one of {', '.join(sorted(record_class.actions))}"
    if not record_class.shortest <= period <= record_class.longest:
        return f"period: must be from {record_class.shortest.days} to {record_class.longest.days} days"
    return None
