"""Name every path that Reach writes, all below the data directory."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Paths:
    """The paths of everything that Reach writes, all below the data directory."""

    data: Path

    @property
    def demo_landing(self) -> Path:
        """The packaged demo data, written in the landing contract's shape."""
        return self.data / "landing"

    @property
    def admitting(self) -> Path:
        """The newest admission, not yet accepted: a link that only the checks read."""
        return self.data / "admitting"

    @property
    def admitted(self) -> Path:
        """One typed Parquet file per landing table, with the rows known before `as_of`.

        A link that moves when an admission is accepted.
        """
        return self.data / "admitted"

    @property
    def file_hashes(self) -> Path:
        """The SHA-256 of landing files by their metadata, so that unchanged files are not read again."""
        return self.data / "file_hashes.json"

    @property
    def feedback(self) -> Path:
        """Events and decisions: `batches/` as collected from the service, `landed/` merged with the landing's own."""
        return self.data / "feedback"

    @property
    def warehouse(self) -> Path:
        """DuckDB's database with the tables that dbt builds."""
        return self.data / "warehouse" / "reach.duckdb"

    @property
    def dbt_target(self) -> Path:
        """Manifest, compiled SQL and docs of dbt."""
        return self.data / "dbt"

    @property
    def staged_features(self) -> Path:
        """Feature tables as dbt wrote them last; the checks and the warehouse's views read them."""
        return self.data / "features" / "staged"

    @property
    def features(self) -> Path:
        """The published feature tables: a link that is moved in one atomic step."""
        return self.data / "features" / "current"

    @property
    def staged_customers(self) -> Path:
        """The customer model's scores as written last; the checks read them."""
        return self.data / "customers" / "staged"

    @property
    def customers(self) -> Path:
        """The published scores of all customers: a link that is moved in one atomic step."""
        return self.data / "customers" / "current"

    @property
    def outbox(self) -> Path:
        """The outbox: its database unless REACH_OUTBOX_URL names another, the locks of its senders, and exports."""
        return self.data / "outbox"

    @property
    def mail(self) -> Path:
        """The demo's mail sink: a Maildir with every message that was sent to it."""
        return self.data / "mail"

    @property
    def mail_sink(self) -> Path:
        """The address of the demo's mail sink and the key of its links, for `MAIL_SINK_SETTINGS`."""
        return self.data / "mail_sink.json"

    @property
    def announced_experiments(self) -> Path:
        """The announced experiments of the service: one JSON file each, which every worker follows."""
        return self.data / "announced_experiments"

    @property
    def experiment_results(self) -> Path:
        """The newest result of each announced experiment: one JSON file each."""
        return self.data / "experiment_results"

    @property
    def recommendations(self) -> Path:
        """The lists that campaigns show: `<slate>.parquet`, as `python -m ml recommend --for-campaigns` writes them."""
        return self.data / "recommendations"

    @property
    def audiences(self) -> Path:
        """The saved questions for audiences, one TOML file each."""
        return self.data / "audiences"

    @property
    def console_edits(self) -> Path:
        """The users who saved the present versions of campaigns' files in the console."""
        return self.data / "console" / "edits.json"

    @property
    def exports(self) -> Path:
        """The lists of customers that the console is about to hand over; each is deleted once it was downloaded."""
        return self.data / "exports"

    @property
    def plans(self) -> Path:
        """One folder per campaign with its staged plan, and the secret from which hold-outs are drawn."""
        return self.data / "plans"

    @property
    def campaign_results(self) -> Path:
        """One JSON file per measured campaign."""
        return self.data / "campaign_results"

    @property
    def feast(self) -> Path:
        """Feast's registry and SQLite online store."""
        return self.data / "feast"

    @property
    def profiles(self) -> Path:
        """Feast's registry and SQLite online store of customers' profiles, apart from those of the features."""
        return self.data / "feast" / "profiles"

    @property
    def events(self) -> Path:
        """The event log and recent purchases, unless they are in Redis or Kafka."""
        return self.data / "events"

    @property
    def runs(self) -> Path:
        """One folder per training run; `latest` links to the newest."""
        return self.data / "runs"

    def runs_of(self, product: str) -> Path:
        """Return the folder of a product's training runs; the recommender's are directly in `runs`."""
        return self.runs if product == "recommender" else self.runs / product

    @property
    def release(self) -> Path:
        """One folder per product with its release log and its champion alias."""
        return self.data / "release"

    @property
    def bentoml(self) -> Path:
        """BentoML's home: model store and built Bentos."""
        return self.data / "bentoml"

    @property
    def quality(self) -> Path:
        """Great Expectations' results and Data Docs, one folder per run."""
        return self.data / "quality"

    @property
    def monitoring(self) -> Path:
        """The newest result of `python -m monitoring check`, as JSON."""
        return self.data / "monitoring" / "current.json"

    @property
    def airflow(self) -> Path:
        """Airflow's home: database, logs and passwords of the local stack."""
        return self.data / "airflow"
