// Command watermill is the Watermill contestant of the benchmark; bench/README.md has its interface.
package main

import (
	"context"
	stdSQL "database/sql"
	"io"
	"log"
	"os"
	"strconv"
	"time"

	"github.com/IBM/sarama"
	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill-kafka/v3/pkg/kafka"
	"github.com/ThreeDotsLabs/watermill-sql/v4/pkg/sql"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"
	"github.com/jackc/pgx/v5/pgxpool"
	_ "github.com/lib/pq"
)

func main() {
	log.SetFlags(0)
	goal, err := strconv.ParseInt(os.Getenv("EVENTS"), 10, 64)
	must(err)
	tuned := os.Getenv("WATERMILL") == "tuned"
	logger := watermill.NewStdLogger(false, false)
	db := database(tuned)
	if os.Getenv("CREATE") == "1" {
		must(create(db))
	}
	work := &worker{
		db: db, topic: os.Getenv("TOPIC"), group: os.Getenv("GROUP"), merged: tuned,
		score: &score{goal: goal, done: make(chan struct{})},
	}
	ctx, stop := context.WithCancel(context.Background())
	router := route(work, logger)
	go func() { must(router.Run(ctx)) }()
	<-router.Running()
	say(map[string]any{"ready": true})
	go func() {
		<-work.score.done
		stop()
	}()
	_, err = io.Copy(io.Discard, os.Stdin)
	must(err)
}

func route(work *worker, logger watermill.LoggerAdapter) *message.Router {
	config := kafka.DefaultSaramaSubscriberConfig()
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	subscriber, err := kafka.NewSubscriber(kafka.SubscriberConfig{
		Brokers:               []string{os.Getenv("KAFKA")},
		Unmarshaler:           kafka.DefaultMarshaler{},
		OverwriteSaramaConfig: config,
		ConsumerGroup:         work.group,
	}, logger)
	must(err)
	router, err := message.NewRouter(message.RouterConfig{}, logger)
	must(err)
	router.AddMiddleware(
		middleware.Retry{MaxRetries: 3, InitialInterval: 100 * time.Millisecond, Logger: logger}.Middleware,
		middleware.Recoverer,
	)
	router.AddConsumerHandler("score", work.topic, subscriber, work.handle)
	return router
}

// database is database/sql with lib/pq as in Watermill's examples, or pgx with prepared statements.
func database(tuned bool) sql.Beginner {
	url := os.Getenv("DATABASE_URL")
	if tuned {
		pool, err := pgxpool.New(context.Background(), url)
		must(err)
		return sql.BeginnerFromPgx(pool)
	}
	if os.Getenv("PGSSLMODE") == "" {
		must(os.Setenv("PGSSLMODE", "disable"))
	}
	db, err := stdSQL.Open("postgres", url)
	must(err)
	return sql.BeginnerFromStdSQL(db)
}

func create(db sql.Beginner) error {
	queries, err := outbox.SchemaInitializingQueries(
		sql.SchemaInitializingQueriesParams{Topic: outboxTopic})
	if err != nil {
		return err
	}
	tx, err := db.BeginTx(context.Background(), nil)
	if err != nil {
		return err
	}
	for _, query := range append(queries, sql.Query{Query: createInbox}, sql.Query{Query: createScore}) {
		if _, err := tx.ExecContext(context.Background(), query.Query, query.Args...); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
