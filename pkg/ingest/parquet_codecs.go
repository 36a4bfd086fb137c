package ingest

import (
	"fmt"

	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
)

// The library's Snappy and Zstandard decoders take the size of what they decode from
// the data. These take it from the page, whose size was looked at: a page that holds
// more is an error.
func init() {
	for codec, decode := range map[compress.Compression]func(to, from []byte) ([]byte, error){
		compress.Codecs.Snappy: decodeSnappy, compress.Codecs.Zstd: decodeZstd,
	} {
		plain, err := compress.GetCodec(codec)
		if err != nil {
			panic(err) // both are the library's own
		}
		compress.RegisterCodec(codec, boundedCodec{plain, decode})
	}
}

type boundedCodec struct {
	compress.Codec
	decode func(to, from []byte) ([]byte, error)
}

// DecodeWithError decodes no more than fits.
func (c boundedCodec) DecodeWithError(to, from []byte) ([]byte, error) { return c.decode(to, from) }

func decodeSnappy(to, from []byte) ([]byte, error) {
	if len(from) == 0 { // a page of nulls alone
		return to[:0], nil
	}
	size, err := snappy.DecodedLen(from)
	if err != nil {
		return nil, err
	}
	if size > len(to) {
		return nil, fmt.Errorf("a page holds %d bytes and states %d", size, len(to))
	}
	return snappy.Decode(to, from)
}

func decodeZstd(to, from []byte) ([]byte, error) {
	return zstdDecoder.DecodeAll(from, to[:0:len(to)])
}

var zstdDecoder = func() *zstd.Decoder {
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecodeAllCapLimit(true))
	if err != nil {
		panic(err) // the options are right
	}
	return decoder
}()
