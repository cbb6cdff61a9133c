"""Works and items. Nothing here is about a person."""

from sqlalchemy import BigInteger, Index

from glem_retention.personal import plain
from loan_api.base import Table


class Work(Table, table=True):
    """A bibliographic record in one agency's catalogue. `age_limit` in years, 0 for none."""

    __tablename__ = "work"

    agency: str = plain(primary_key=True)
    work_id: str = plain(primary_key=True)
    title: str = plain()
    creator: str = plain(default="")
    type: str = plain()
    language: str = plain(default="")
    popularity_rank: int | None = plain(default=None)
    age_limit: int = plain(default=0)


class Item(Table, table=True):
    """One physical copy. `price` in øre; `state`: available, on-loan, on-shelf (waiting for a patron), lost, withdrawn."""

    __tablename__ = "item"
    __table_args__ = (Index("item_barcode", "agency", "barcode", unique=True), Index("item_work", "agency", "work_id"))

    item_id: int = plain(primary_key=True, sa_type=BigInteger)
    agency: str = plain()
    barcode: str = plain()
    work_id: str = plain()
    branch: str = plain()
    price: int = plain(default=20000)
    state: str = plain(default="available")
