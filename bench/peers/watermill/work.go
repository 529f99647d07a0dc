package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/ThreeDotsLabs/watermill-kafka/v3/pkg/kafka"
	"github.com/ThreeDotsLabs/watermill-sql/v4/pkg/sql"
	"github.com/ThreeDotsLabs/watermill/components/forwarder"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/uuid"
)

const (
	countedType  = "vn.thidua.bench.score-counted.v1"
	resultsTopic = "thidua.bench.results.v1"
	outboxTopic  = "outbox"
	partitionKey = "partition_key"
)

const createInbox = `CREATE TABLE IF NOT EXISTS inbox (consumer text, topic text, event_id text,
	PRIMARY KEY (consumer, topic, event_id))`

const createScore = `CREATE TABLE IF NOT EXISTS score (ward text, participant text,
	points numeric NOT NULL, reports integer NOT NULL, PRIMARY KEY (ward, participant))`

const take = `INSERT INTO inbox (consumer, topic, event_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`

const add = `INSERT INTO score AS s (ward, participant, points, reports) VALUES ($1, $2, $3, 1)
ON CONFLICT (ward, participant) DO UPDATE SET points = s.points + excluded.points, reports = s.reports + 1
RETURNING points::text, reports`

const takeAndAdd = `WITH taken AS (INSERT INTO inbox (consumer, topic, event_id) VALUES ($1, $2, $3)
ON CONFLICT DO NOTHING RETURNING 1)
INSERT INTO score AS s (ward, participant, points, reports) SELECT $4, $5, $6::numeric, 1 FROM taken
ON CONFLICT (ward, participant) DO UPDATE SET points = s.points + excluded.points, reports = s.reports + 1
RETURNING points::text, reports`

var (
	namespace = uuid.MustParse("5f0d3c2e-7a44-5b0e-9a6f-2f6d0a1c7e11")
	outbox    = sql.DefaultPostgreSQLSchema{
		GenerateMessagesTableName: func(string) string { return `"outbox"` },
	}
	errRepeated = errors.New("this id was taken before")
)

type worker struct {
	db     sql.Beginner
	topic  string
	group  string
	merged bool
	score  *score
}

type counted struct {
	Ward        string `json:"ward"`
	Participant string `json:"participant"`
	ReportID    string `json:"report_id"`
	Added       string `json:"added"`
	Points      string `json:"points"`
	Reports     int    `json:"reports"`
}

// handle is Watermill's handler of one message: inbox, score and outbox in one transaction.
// The message is acknowledged, and so the offset marked, after the commit.
func (w *worker) handle(msg *message.Message) error {
	w.score.received()
	key, _ := kafka.MessageKeyFromCtx(msg.Context())
	event, err := read(msg, string(key))
	if err != nil {
		return err
	}
	tx, err := w.db.BeginTx(msg.Context(), nil)
	if err != nil {
		return err
	}
	if err := w.effects(msg.Context(), tx, msg, event); err != nil {
		rolledBack := tx.Rollback()
		if errors.Is(err, errRepeated) {
			return rolledBack
		}
		return errors.Join(err, rolledBack)
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	w.score.committed()
	return nil
}

func (w *worker) effects(ctx context.Context, tx sql.Tx, msg *message.Message, event marked) error {
	result, err := w.count(ctx, tx, msg.Metadata.Get("ce_id"), event)
	if err != nil {
		return err
	}
	body, err := json.Marshal(result)
	if err != nil {
		return err
	}
	inner, err := sql.NewPublisher(tx, sql.PublisherConfig{SchemaAdapter: outbox}, nil)
	if err != nil {
		return err
	}
	publisher := forwarder.NewPublisher(inner, forwarder.PublisherConfig{ForwarderTopic: outboxTopic})
	w.score.statements.Add(1)
	return publisher.Publish(resultsTopic, fact(msg, event, body))
}

// count takes the id and adds to the score; errRepeated when the id was taken before.
func (w *worker) count(ctx context.Context, tx sql.Tx, id string, event marked) (counted, error) {
	result := counted{
		Ward: event.Ward, Participant: event.Participant, ReportID: event.ReportID, Added: event.Points,
	}
	query, arguments := add, []any{event.Ward, event.Participant, event.Points}
	if w.merged {
		query, arguments = takeAndAdd, append([]any{w.group, w.topic, id}, arguments...)
	} else if err := w.take(ctx, tx, id); err != nil {
		return result, err
	}
	w.score.statements.Add(1)
	rows, err := tx.QueryContext(ctx, query, arguments...)
	if err != nil {
		return result, err
	}
	if !rows.Next() {
		if err := rows.Close(); err != nil {
			return result, err
		}
		return result, errRepeated
	}
	err = rows.Scan(&result.Points, &result.Reports)
	return result, errors.Join(err, rows.Close())
}

func (w *worker) take(ctx context.Context, tx sql.Tx, id string) error {
	w.score.statements.Add(1)
	taken, err := tx.ExecContext(ctx, take, w.group, w.topic, id)
	if err != nil {
		return err
	}
	if rows, err := taken.RowsAffected(); err != nil || rows == 1 {
		return err
	}
	return errRepeated
}

// fact is the derived event: CloudEvents attributes as metadata, which become Kafka headers.
func fact(cause *message.Message, event marked, body []byte) *message.Message {
	of := cause.Metadata.Get
	id := derivedID(of("ce_source"), of("ce_id"), event.Participant)
	made := message.NewMessage(id, body)
	made.Metadata = message.Metadata{
		"ce_specversion":   "1.0",
		"ce_id":            id,
		"ce_source":        "urn:thidua:bench",
		"ce_type":          countedType,
		"ce_subject":       event.Participant,
		"ce_time":          time.Now().UTC().Format("2006-01-02T15:04:05.000000Z"),
		"ce_ward":          event.Ward,
		"ce_correlationid": of("ce_correlationid"),
		"ce_causationid":   of("ce_id"),
		"traceparent":      childTrace(of("traceparent")),
		"content-type":     "application/json",
		partitionKey:       event.Ward + "/" + event.Participant,
	}
	return made
}

func derivedID(source, id, subject string) string {
	parts := []string{"bench", source, id, countedType, subject, ""}
	for place, text := range parts {
		quoted, _ := json.Marshal(text)
		parts[place] = string(quoted)
	}
	return uuid.NewSHA1(namespace, []byte("["+strings.Join(parts, ", ")+"]")).String()
}

func childTrace(parent string) string {
	var span [8]byte
	_, _ = rand.Read(span[:])
	if len(parent) != 55 {
		return parent
	}
	return parent[:36] + hex.EncodeToString(span[:]) + parent[52:]
}
