-- the shop's database: SQLite here; the same statements run on PostgreSQL

-- name: create_customers
CREATE TABLE customers (
    customer_id TEXT PRIMARY KEY,
    email TEXT NOT NULL,
    country TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL
);

-- name: create_orders
CREATE TABLE orders (
    order_id TEXT PRIMARY KEY,
    customer_id TEXT REFERENCES customers (customer_id),
    email TEXT NOT NULL,
    country TEXT NOT NULL,
    ordered_at TIMESTAMP NOT NULL,
    order_date DATE NOT NULL,
    currency TEXT NOT NULL,
    total_cents INTEGER NOT NULL,
    is_first_order INTEGER NOT NULL,
    updated_at TIMESTAMP NOT NULL
);

-- name: create_refunds
CREATE TABLE refunds (
    refund_id TEXT PRIMARY KEY,
    order_id TEXT NOT NULL REFERENCES orders (order_id),
    refunded_at TIMESTAMP NOT NULL,
    currency TEXT NOT NULL,
    amount_cents INTEGER NOT NULL,
    updated_at TIMESTAMP NOT NULL
);

-- name: create_consents
CREATE TABLE consents (
    consent_id TEXT PRIMARY KEY,
    customer_id TEXT NOT NULL REFERENCES customers (customer_id),
    purpose TEXT NOT NULL,
    is_granted INTEGER NOT NULL,
    changed_at TIMESTAMP NOT NULL,
    source TEXT NOT NULL
);

-- name: create_budgets
CREATE TABLE budgets (
    budget_month TEXT NOT NULL,
    platform TEXT NOT NULL,
    campaign_id TEXT NOT NULL,
    currency TEXT NOT NULL,
    amount_cents INTEGER NOT NULL,
    PRIMARY KEY (budget_month, platform, campaign_id)
);

-- name: create_targets
CREATE TABLE targets (
    target_month TEXT NOT NULL,
    metric TEXT NOT NULL,
    target_value TEXT NOT NULL,
    PRIMARY KEY (target_month, metric)
);

-- name: create_exchange_rates
CREATE TABLE exchange_rates (
    currency TEXT NOT NULL,
    rate_date DATE NOT NULL,
    usd_per_unit TEXT NOT NULL,
    PRIMARY KEY (currency, rate_date)
);

-- name: create_planned_pauses
CREATE TABLE planned_pauses (
    pause_name TEXT NOT NULL,
    platform TEXT NOT NULL,
    campaign_id TEXT NOT NULL,
    country TEXT NOT NULL,
    region TEXT NOT NULL,
    first_date DATE NOT NULL,
    last_date DATE NOT NULL,
    PRIMARY KEY (pause_name, platform, campaign_id, country, region, first_date)
);

-- name: insert_customers
INSERT INTO customers VALUES (?, ?, ?, ?, ?);

-- name: insert_orders
INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: insert_refunds
INSERT INTO refunds VALUES (?, ?, ?, ?, ?, ?);

-- name: insert_consents
INSERT INTO consents VALUES (?, ?, ?, ?, ?, ?);

-- name: insert_budgets
INSERT INTO budgets VALUES (?, ?, ?, ?, ?);

-- name: insert_targets
INSERT INTO targets VALUES (?, ?, ?);

-- name: insert_exchange_rates
INSERT INTO exchange_rates VALUES (?, ?, ?);

-- name: insert_planned_pauses
INSERT INTO planned_pauses VALUES (?, ?, ?, ?, ?, ?, ?);
