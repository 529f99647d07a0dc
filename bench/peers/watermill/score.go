package main

import (
	"encoding/json"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// score counts the work and says it at the moments that the harness waits for.
type score struct {
	goal       int64
	events     atomic.Int64
	statements atomic.Int64
	begun      sync.Once
	first      time.Time
	done       chan struct{}
}

func (s *score) received() {
	s.begun.Do(func() {
		say(map[string]any{"first": true})
		s.first = time.Now()
	})
}

func (s *score) committed() {
	if s.events.Add(1) == s.goal {
		say(map[string]any{
			"events":     s.goal,
			"seconds":    time.Since(s.first).Seconds(),
			"statements": s.statements.Load(),
			"commits":    s.events.Load(),
		})
		close(s.done)
	}
}

func say(line map[string]any) {
	text, err := json.Marshal(line)
	if err != nil {
		panic(err)
	}
	if _, err := os.Stdout.Write(append(text, '\n')); err != nil {
		panic(err)
	}
}
