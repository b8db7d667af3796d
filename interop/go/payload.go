package main

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// The standard library's codecs and klauspost's zstd, which is Go's only one.

type payload struct {
	Data []byte `json:"data"`
}

func compress(codec string, dictionary, data []byte) ([]byte, error) {
	var out bytes.Buffer
	var to io.WriteCloser
	var err error
	switch codec {
	case "gzip":
		to = gzip.NewWriter(&out)
	case "zlib":
		to = zlib.NewWriter(&out)
	case "deflate":
		to, err = flate.NewWriter(&out, flate.DefaultCompression)
	case "zstd":
		options := []zstd.EOption{zstd.WithEncoderConcurrency(1)}
		if dictionary != nil {
			options = append(options, zstd.WithEncoderDict(dictionary))
		}
		to, err = zstd.NewWriter(&out, options...)
	default:
		return nil, fmt.Errorf("no codec %s", codec)
	}
	if err != nil {
		return nil, err
	}
	if _, err = to.Write(data); err != nil {
		return nil, err
	}
	err = to.Close()
	return out.Bytes(), err
}

func decompress(codec string, dictionary, data []byte) ([]byte, error) {
	in := bytes.NewReader(data)
	var from io.Reader
	var err error
	switch codec {
	case "gzip":
		from, err = gzip.NewReader(in)
	case "zlib":
		from, err = zlib.NewReader(in)
	case "deflate":
		from = flate.NewReader(in)
	case "zstd":
		options := []zstd.DOption{zstd.WithDecoderConcurrency(1)}
		if dictionary != nil {
			options = append(options, zstd.WithDecoderDicts(dictionary))
		}
		var decoder *zstd.Decoder
		if decoder, err = zstd.NewReader(in, options...); err == nil {
			defer decoder.Close()
			from = decoder
		}
	default:
		return nil, fmt.Errorf("no codec %s", codec)
	}
	if err != nil {
		return nil, err
	}
	out, err := io.ReadAll(from)
	if err == nil && in.Len() > 0 {
		err = fmt.Errorf("%d bytes behind the end", in.Len())
	}
	return out, err
}

// each does the same to every payload of a request.
func each(q request, work func(codec string, dictionary, data []byte) ([]byte, error)) (a answer) {
	for _, one := range q.Payloads {
		data, err := work(q.Codec, q.Dictionary, one.Data)
		if err != nil {
			return answer{Error: err.Error()}
		}
		if data == nil {
			data = []byte{}
		}
		a.Results = append(a.Results, result{Data: data})
	}
	return a
}
