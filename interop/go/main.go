// Program driver answers one JSON request a line: awslabs' deaggregator as a reader,
// a8m's aggregator as a writer, as awslabs' module has none; and Go's codecs (payload.go).
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	producer "github.com/a8m/kinesis-producer"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/awslabs/kinesis-aggregation/go/v2/deaggregator"
)

type request struct {
	Op      string   `json:"op"`
	Entries []entry  `json:"entries"`
	Records []record `json:"records"`
	MaxSize int      `json:"max_size"`

	Codec      string    `json:"codec"`
	Dictionary []byte    `json:"dictionary"`
	Payloads   []payload `json:"payloads"`
}

type entry struct {
	Data            []byte  `json:"data"`
	PartitionKey    *string `json:"partition_key"`
	SequenceNumber  *string `json:"sequence_number,omitempty"`
	ExplicitHashKey *string `json:"explicit_hash_key"`
}

type record struct {
	PartitionKey string `json:"partition_key"`
	Data         []byte `json:"data"`
}

// row has neither explicit hash key nor sub-sequence number: the peer does not tell them.
type row struct {
	PartitionKey *string `json:"partition_key"`
	Data         []byte  `json:"data"`
}

type result struct {
	Records []row  `json:"records"`
	Data    []byte `json:"data,omitempty"`
	Error   string `json:"error,omitempty"`
}

type answer struct {
	Results []result `json:"results,omitempty"`
	Entries []entry  `json:"entries,omitempty"`
	Error   string   `json:"error,omitempty"`
}

func decode(e entry) (r result) {
	defer func() {
		if p := recover(); p != nil {
			r = result{Error: fmt.Sprint("panic: ", p)}
		}
	}()
	found, err := deaggregator.DeaggregateRecords([]types.Record{{
		Data:           e.Data,
		PartitionKey:   e.PartitionKey,
		SequenceNumber: e.SequenceNumber,
	}})
	if err != nil {
		return result{Error: err.Error()}
	}
	for _, one := range found {
		data := one.Data
		if data == nil {
			data = []byte{}
		}
		r.Records = append(r.Records, row{PartitionKey: one.PartitionKey, Data: data})
	}
	return r
}

func encode(records []record, maxSize int) ([]entry, error) {
	var entries []entry
	aggregator := &producer.Aggregator{}
	drain := func() error {
		put, err := aggregator.Drain()
		if put != nil {
			entries = append(entries, entry{
				Data:            put.Data,
				PartitionKey:    put.PartitionKey,
				ExplicitHashKey: put.ExplicitHashKey,
			})
		}
		return err
	}
	for _, one := range records {
		aggregator.Put(one.Data, one.PartitionKey)
		// It knows no limit of its own.
		if aggregator.Size() >= maxSize {
			if err := drain(); err != nil {
				return nil, err
			}
		}
	}
	return entries, drain()
}

func handle(line []byte) (a answer) {
	defer func() {
		if p := recover(); p != nil {
			a = answer{Error: fmt.Sprint("panic: ", p)}
		}
	}()
	var q request
	if err := json.Unmarshal(line, &q); err != nil {
		return answer{Error: err.Error()}
	}
	switch q.Op {
	case "decode":
		for _, e := range q.Entries {
			a.Results = append(a.Results, decode(e))
		}
	case "encode":
		entries, err := encode(q.Records, q.MaxSize)
		if err != nil {
			return answer{Error: err.Error()}
		}
		a.Entries = entries
	case "compress":
		return each(q, compress)
	case "decompress":
		return each(q, decompress)
	default:
		a.Error = "unknown op"
	}
	return a
}

func main() {
	in := bufio.NewReader(os.Stdin)
	out := json.NewEncoder(os.Stdout)
	for {
		line, err := in.ReadBytes('\n')
		if len(line) > 0 {
			if err := out.Encode(handle(line)); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
		}
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}
