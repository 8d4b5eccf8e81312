create schema if not exists _ingest;
create table if not exists _ingest.loads (
    load_id varchar, source varchar, status varchar,
    started_at timestamp with time zone, finished_at timestamp with time zone,
    row_count bigint, rejected_count bigint, window_count bigint, planned_window_count bigint,
    error_messages varchar, _loaded_at timestamp with time zone
);
create table if not exists _ingest.freshness (
    source varchar, report varchar, account_id varchar, campaign_id varchar,
    first_day date, last_day date, last_row_day date,
    read_at timestamp with time zone, _loaded_at timestamp with time zone
);
create table if not exists _ingest.consents (
    pseudonym varchar, purpose varchar, is_granted boolean,
    changed_at timestamp with time zone, _loaded_at timestamp with time zone
);
create table if not exists _ingest.audience_exports (
    export_id varchar, audience varchar, platform varchar, exported_by varchar,
    file_name varchar, file_sha256 varchar, person_count bigint, left_out_json varchar,
    erased_count bigint, exported_at timestamp with time zone,
    _loaded_at timestamp with time zone
);
create table if not exists _ingest.audience_members (
    export_id varchar, customer_key varchar, _loaded_at timestamp with time zone
)
