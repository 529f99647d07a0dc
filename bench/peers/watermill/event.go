package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/uuid"
)

const markedType = "vn.thidua.bench.report-marked.v1"

var (
	code   = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	points = regexp.MustCompile(`^-?[0-9]{1,5}(\.[0-9]{1,2})?$`)
)

type part struct {
	Criterion string `json:"criterion"`
	Points    string `json:"points"`
}

type marked struct {
	Ward        string `json:"ward"`
	Participant string `json:"participant"`
	Period      string `json:"period"`
	ReportID    string `json:"report_id"`
	Revision    int    `json:"revision"`
	MarkedAt    string `json:"marked_at"`
	Points      string `json:"points"`
	Parts       []part `json:"parts"`
	Note        string `json:"note"`
}

// read validates a record as the other contestants do.
func read(msg *message.Message, key string) (marked, error) {
	var event marked
	for _, name := range []string{"ce_id", "ce_source", "ce_type", "ce_specversion"} {
		if msg.Metadata.Get(name) == "" {
			return event, fmt.Errorf("header %s is missing", name)
		}
	}
	if version := msg.Metadata.Get("ce_specversion"); version != "1.0" {
		return event, fmt.Errorf("ce_specversion is %q", version)
	}
	if kind := msg.Metadata.Get("ce_type"); kind != markedType {
		return event, fmt.Errorf("unknown type %q", kind)
	}
	if err := json.Unmarshal(msg.Payload, &event); err != nil {
		return event, err
	}
	if key != event.Ward+"/"+event.Participant {
		return event, fmt.Errorf("key %q is not the body's", key)
	}
	return event, event.validate()
}

func (e marked) validate() error {
	for _, text := range []string{e.Ward, e.Participant, e.Period} {
		if len(text) > 80 || !code.MatchString(text) {
			return fmt.Errorf("not a code: %q", text)
		}
	}
	if e.Revision < 1 {
		return errors.New("revision is below 1")
	}
	if _, err := uuid.Parse(e.ReportID); err != nil {
		return err
	}
	if _, err := time.Parse(time.RFC3339Nano, e.MarkedAt); err != nil {
		return err
	}
	total, err := hundredths(e.Points)
	if err != nil {
		return err
	}
	for _, one := range e.Parts {
		if len(one.Criterion) > 80 || !code.MatchString(one.Criterion) {
			return fmt.Errorf("not a code: %q", one.Criterion)
		}
		given, err := hundredths(one.Points)
		if err != nil {
			return err
		}
		total -= given
	}
	if total != 0 {
		return errors.New("the parts do not add up to the points")
	}
	return nil
}

func hundredths(text string) (int64, error) {
	if !points.MatchString(text) {
		return 0, fmt.Errorf("not a decimal: %q", text)
	}
	whole, fraction, _ := strings.Cut(text, ".")
	return strconv.ParseInt(whole+(fraction + "00")[:2], 10, 64)
}
