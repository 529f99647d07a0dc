package main

import (
	"strings"
	"testing"

	"github.com/ThreeDotsLabs/watermill/message"
)

const (
	key  = "tu-minh/p-000017"
	body = `{"ward":"tu-minh","participant":"p-000017","period":"2025-annual",` +
		`"report_id":"3f9c2a52-6a8e-4a55-9d5b-0d8d5a1f0c11","revision":1,` +
		`"marked_at":"2025-12-05T09:30:00+07:00","points":"38.5",` +
		`"parts":[{"criterion":"a1","points":"20"},{"criterion":"b1","points":"18.5"}],"note":""}`
)

func record(value string) *message.Message {
	msg := message.NewMessage("", []byte(value))
	msg.Metadata = message.Metadata{
		"ce_id": "1", "ce_source": "urn:thidua:intake", "ce_type": markedType, "ce_specversion": "1.0",
	}
	return msg
}

func TestAGoodRecordIsRead(t *testing.T) {
	if _, err := read(record(body), key); err != nil {
		t.Fatal(err)
	}
}

func TestABadRecordIsRefused(t *testing.T) {
	for old, changed := range map[string]string{
		`"38.5"`:     `"38"`,
		`"18.5"`:     `18.5`,
		`"20"`:       `"20.001"`,
		`+07:00`:     ``,
		`:1,`:        `:0,`,
		`3f9c2a52-`:  ``,
		`2025-`:      `A-`,
		`"p-000017"`: `"p-000018"`,
	} {
		if _, err := read(record(strings.Replace(body, old, changed, 1)), key); err == nil {
			t.Errorf("%s for %s was read", changed, old)
		}
	}
	for name := range record(body).Metadata {
		bare := record(body)
		delete(bare.Metadata, name)
		if _, err := read(bare, key); err == nil {
			t.Errorf("read without %s", name)
		}
	}
}

// The id that Python's uuid5 makes of json.dumps of the same parts.
func TestTheDerivedIDIsThatOfTheOthers(t *testing.T) {
	id := derivedID("urn:thidua:intake", "3f9c2a52-6a8e-4a55-9d5b-0d8d5a1f0c11", "p-000017")
	if id != "27b2813e-5b4b-5cea-97d5-177fdb2f83e2" {
		t.Fatal(id)
	}
}
