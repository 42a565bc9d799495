-- A pinger's tables for PostgreSQL 12 or later: those of its SQLite file (doc/PINGER_DATABASE.md), filled by `load`.
-- Times are milliseconds since 1970-01-01 UTC, lengths of time milliseconds, shares thousandths.
-- Repeatable: what is there already stays as it is. One schema (search_path) holds one pinger's rows.

CREATE TABLE IF NOT EXISTS meta (
    name text PRIMARY KEY,
    value bigint NOT NULL);
COMMENT ON TABLE meta IS 'store: which SQLite file the rows are from. alive: when the pinger last said that it runs. judged, deadline: when probes were last judged, and by which deadline. forgotten: emptyings before that are not kept';

CREATE TABLE IF NOT EXISTS kind (
    number smallint PRIMARY KEY,
    name text NOT NULL UNIQUE,
    meaning text NOT NULL);
COMMENT ON TABLE kind IS 'kinds of probes';

CREATE TABLE IF NOT EXISTS state (
    number smallint PRIMARY KEY,
    name text NOT NULL UNIQUE,
    meaning text NOT NULL);
COMMENT ON TABLE state IS 'what can become of a probe';

CREATE TABLE IF NOT EXISTS sign (
    number smallint PRIMARY KEY,
    name text NOT NULL UNIQUE,
    meaning text NOT NULL);
COMMENT ON TABLE sign IS 'signs of an attack or a fault';

CREATE TABLE IF NOT EXISTS node (
    number bigint PRIMARY KEY,
    id text NOT NULL UNIQUE,
    nickname text);
COMMENT ON TABLE node IS 'the other tables mean a node by its number';
COMMENT ON COLUMN node.id IS '64 hexadecimal digits';
COMMENT ON COLUMN node.nickname IS 'the last known; NULL: none';

CREATE TABLE IF NOT EXISTS mailbox (
    number bigint PRIMARY KEY,
    node bigint REFERENCES node (number),
    emptied bigint);
COMMENT ON TABLE mailbox IS 'where probes arrive; 0 is the address of test mails, any other has its node''s number';
COMMENT ON COLUMN mailbox.emptied IS 'when it was last emptied to its end, ms since 1970';

CREATE TABLE IF NOT EXISTS emptying (
    mailbox bigint NOT NULL REFERENCES mailbox (number),
    at bigint NOT NULL,
    PRIMARY KEY (mailbox, at));
COMMENT ON TABLE emptying IS 'the emptyings that may still decide a probe; load removes those that the pinger has forgotten';
COMMENT ON COLUMN emptying.at IS 'ms since 1970';

CREATE TABLE IF NOT EXISTS ping (
    id bigint PRIMARY KEY,
    kind smallint NOT NULL REFERENCES kind (number),
    state smallint NOT NULL REFERENCES state (number),
    hop1 bigint NOT NULL REFERENCES node (number),
    hop2 bigint REFERENCES node (number),
    hop3 bigint REFERENCES node (number),
    hop4 bigint REFERENCES node (number),
    hop5 bigint REFERENCES node (number),
    mailbox bigint NOT NULL REFERENCES mailbox (number),
    drawn bigint NOT NULL,
    planned bigint NOT NULL,
    sent bigint,
    arrived bigint,
    slack bigint,
    decided bigint,
    watched bigint,
    tag bytea NOT NULL UNIQUE,
    content bytea NOT NULL,
    item bigint);
COMMENT ON TABLE ping IS 'one probe';
COMMENT ON COLUMN ping.hop1 IS 'the entry';
COMMENT ON COLUMN ping.hop2 IS 'NULL: the path has no such hop';
COMMENT ON COLUMN ping.drawn IS 'sum of the delays that the hops were asked for, ms';
COMMENT ON COLUMN ping.planned IS 'ms since 1970; written before it is sent';
COMMENT ON COLUMN ping.sent IS 'acknowledged by the entry, ms since 1970; NULL: not known to have been';
COMMENT ON COLUMN ping.arrived IS 'seen where it was to arrive, ms since 1970; also if too late';
COMMENT ON COLUMN ping.slack IS 'it may have arrived earlier by at most this, ms';
COMMENT ON COLUMN ping.decided IS 'from when on its state was certain, ms since 1970; NULL: not yet';
COMMENT ON COLUMN ping.tag IS '16 bytes by which it is known again';
COMMENT ON COLUMN ping.watched IS 'of a void one: it had not arrived then, ms since 1970; NULL: not known';
COMMENT ON COLUMN ping.content IS 'SHA-256 of what must come back, 32 bytes';
COMMENT ON COLUMN ping.item IS 'the mailbox''s number for the message that came';
CREATE INDEX IF NOT EXISTS ping_sent ON ping (sent);

CREATE TABLE IF NOT EXISTS evidence (
    id bigint PRIMARY KEY,
    ping bigint NOT NULL REFERENCES ping (id) ON DELETE CASCADE,
    node bigint NOT NULL REFERENCES node (number),
    sign smallint NOT NULL REFERENCES sign (number),
    at bigint NOT NULL,
    item bigint);
COMMENT ON TABLE evidence IS 'a sign, one of a kind for a probe, once for each node of its path: any of them may be to blame';
COMMENT ON COLUMN evidence.at IS 'when it was seen, ms since 1970';
COMMENT ON COLUMN evidence.item IS 'the mailbox''s number for the message';
CREATE INDEX IF NOT EXISTS evidence_ping ON evidence (ping);

CREATE TABLE IF NOT EXISTS handshake (
    id bigint PRIMARY KEY,
    node bigint NOT NULL REFERENCES node (number),
    at bigint NOT NULL,
    took bigint);
COMMENT ON TABLE handshake IS 'a connection that the pinger tried, whether for a probe or not';
COMMENT ON COLUMN handshake.at IS 'ms since 1970';
COMMENT ON COLUMN handshake.took IS 'ms until it stood; NULL: it failed';
CREATE INDEX IF NOT EXISTS handshake_at ON handshake (at);

CREATE TABLE IF NOT EXISTS gap (
    id bigint PRIMARY KEY,
    began bigint NOT NULL,
    ended bigint NOT NULL,
    reason text NOT NULL,
    voiding smallint NOT NULL);
COMMENT ON TABLE gap IS 'times in which the pinger could not see';
COMMENT ON COLUMN gap.began IS 'ms since 1970';
COMMENT ON COLUMN gap.ended IS 'ms since 1970';
COMMENT ON COLUMN gap.reason IS 'off, cutOff, clock';
COMMENT ON COLUMN gap.voiding IS '1: probes that were not decided before it are void';

CREATE TABLE IF NOT EXISTS day (
    day integer NOT NULL,
    node bigint NOT NULL REFERENCES node (number),
    reliability integer,
    low integer,
    high integer,
    samples integer NOT NULL,
    latency bigint,
    ten_minutes integer,
    hour integer,
    six_hours integer,
    whole_day integer,
    handshakes integer NOT NULL,
    handshakes_good integer NOT NULL,
    deliveries integer NOT NULL,
    deliveries_good integer NOT NULL,
    PRIMARY KEY (day, node));
COMMENT ON TABLE day IS 'what was measured of a node on a day; NULL: not measured';
COMMENT ON COLUMN day.day IS 'days since 1970-01-01 UTC';
COMMENT ON COLUMN day.reliability IS 'of packets that it cannot tell from others, thousandths';
COMMENT ON COLUMN day.low IS 'of its interval of 95 %, thousandths';
COMMENT ON COLUMN day.high IS 'of its interval of 95 %, thousandths';
COMMENT ON COLUMN day.samples IS 'decided probes that these rest on';
COMMENT ON COLUMN day.latency IS 'what it adds to a journey beyond the delay asked for, ms';
COMMENT ON COLUMN day.ten_minutes IS 'of the probes over it, those that arrived within this, thousandths';
COMMENT ON COLUMN day.handshakes IS 'connections tried';
COMMENT ON COLUMN day.handshakes_good IS 'and made';
COMMENT ON COLUMN day.deliveries IS 'test mails through it';
COMMENT ON COLUMN day.deliveries_good IS 'that came';

CREATE TABLE IF NOT EXISTS link_day (
    day integer NOT NULL,
    from_node bigint NOT NULL REFERENCES node (number),
    to_node bigint NOT NULL REFERENCES node (number),
    arrived integer NOT NULL,
    lost integer NOT NULL,
    PRIMARY KEY (day, from_node, to_node));
COMMENT ON TABLE link_day IS 'probes of a day over the link from one node to another';
COMMENT ON COLUMN link_day.day IS 'days since 1970-01-01 UTC';
