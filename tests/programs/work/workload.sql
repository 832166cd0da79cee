-- What the sqlite3 workload runs; prints the same on every run.
PRAGMA cache_size = -32000;
PRAGMA synchronous = OFF;
CREATE TABLE event (id INTEGER PRIMARY KEY, customer INT, amount INT, note TEXT);
WITH RECURSIVE n (i, x) AS (
	SELECT 1, 12345
	UNION ALL
	SELECT i + 1, x * 16807 % 2147483647 FROM n WHERE i < 1000000
)
INSERT INTO event
SELECT i, x % 50021, x % 9973, printf('note %d for %x', i, x) FROM n;
SELECT 'rows', count(*), sum(amount), min(note), max(note) FROM event;
CREATE INDEX event_customer ON event (customer, amount);
ANALYZE;
SELECT 'customers', count(*), max(total) FROM (
	SELECT customer, sum(amount) AS total FROM event GROUP BY customer
);
SELECT customer, count(*), sum(amount), group_concat(id) FROM event
WHERE customer BETWEEN 100 AND 120 GROUP BY customer;
SELECT 'in notes', count(*) FROM event WHERE note LIKE '%7f%';
SELECT 'sorted', id, note FROM event ORDER BY note DESC LIMIT 20 OFFSET 250000;
BEGIN;
UPDATE event SET note = upper(note) || ' changed' WHERE customer % 7 = 0;
DELETE FROM event WHERE customer % 11 = 0;
SELECT 'in transaction', count(*), sum(length(note)) FROM event;
ROLLBACK;
SELECT 'rolled back', count(*), sum(length(note)) FROM event;
DELETE FROM event WHERE id % 10 <> 0;
SELECT 'kept', count(*), sum(length(note)) FROM event;
SELECT 'windows', max(running), count(*) FROM (
	SELECT sum(amount) OVER (PARTITION BY customer ORDER BY id) AS running
	FROM event
);
SELECT 'json', sum(json_extract(line, '$.a[1]')), max(length(line)) FROM (
	SELECT json_object('id', id, 'a', json_array(customer, amount), 'n', note)
	AS line FROM event
);
CREATE VIRTUAL TABLE document USING fts5 (body);
INSERT INTO document SELECT note || ' number ' || customer FROM event;
SELECT 'full text', count(*) FROM document WHERE document MATCH 'number 77*';
VACUUM;
PRAGMA integrity_check;
