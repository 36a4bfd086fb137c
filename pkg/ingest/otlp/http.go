package otlp

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"

	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// The encodings of OTLP/HTTP.
const (
	typeProtobuf = "application/x-protobuf"
	typeJSON     = "application/json"
)

// httpHandler answers OTLP/HTTP at /v1/traces and /v1/metrics.
func httpHandler(r *receiver, allowed Tokens, largest int) http.Handler {
	mux := http.NewServeMux()
	for signal, export := range map[string]func(ctx context.Context, body []byte, encoding string) ([]byte, error){"traces": r.exportTraces, "metrics": r.exportMetrics} {
		mux.Handle("POST /v1/"+signal, httpExport{r, signal, export, allowed, int64(largest)})
	}
	mux.HandleFunc("POST /v1/logs", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "logs are not received here: they hold prompts and answers, which are never stored", http.StatusNotFound)
	})
	return mux
}

type httpExport struct {
	receiver *receiver
	signal   string
	export   func(ctx context.Context, body []byte, encoding string) ([]byte, error)
	allowed  Tokens
	largest  int64
}

func (h httpExport) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	encoding, _, err := mime.ParseMediaType(request.Header.Get("Content-Type"))
	if err != nil || encoding != typeProtobuf && encoding != typeJSON {
		h.receiver.metrics.requests.WithLabelValues(h.signal, "http", "invalid").Inc()
		http.Error(w, "the content type must be "+typeProtobuf+" or "+typeJSON, http.StatusUnsupportedMediaType)
		return
	}
	answer, err := h.handle(w, request, encoding)
	if err != nil {
		h.refuse(w, encoding, refusalOf(err))
		return
	}
	h.receiver.metrics.requests.WithLabelValues(h.signal, "http", "ok").Inc()
	w.Header().Set("Content-Type", encoding)
	_, _ = w.Write(answer) // the sender is gone; it will send again
}

func (h httpExport) handle(w http.ResponseWriter, request *http.Request, encoding string) ([]byte, error) {
	if !h.allowed.admit(request.Header.Values("Authorization")) {
		return nil, errToken
	}
	if !h.receiver.enter() {
		return nil, errBusy
	}
	defer h.receiver.leave()
	ctx, cancel := context.WithTimeout(request.Context(), requestTimeout)
	defer cancel()
	body, err := h.body(w, request)
	if err != nil {
		return nil, err
	}
	return h.export(ctx, body, encoding)
}

// body reads the request, unpacked, up to the largest size.
func (h httpExport) body(w http.ResponseWriter, request *http.Request) ([]byte, error) {
	var from io.Reader = http.MaxBytesReader(w, request.Body, h.largest)
	switch packing := request.Header.Get("Content-Encoding"); packing {
	case "", "identity":
	case "gzip":
		unpacked, err := gzip.NewReader(from)
		if err != nil {
			return nil, h.unreadable(err)
		}
		from = unpacked
	default:
		return nil, &refusal{refusedInvalid, fmt.Sprintf("the content encoding %q is not known: send gzip or none", excerpt(packing))}
	}
	body, err := io.ReadAll(io.LimitReader(from, h.largest+1))
	switch {
	case err != nil:
		return nil, h.unreadable(err)
	case int64(len(body)) > h.largest:
		return nil, h.tooLarge()
	}
	return body, nil
}

func (h httpExport) unreadable(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return h.tooLarge()
	}
	return &refusal{refusedInvalid, "the body cannot be read: it is cut off, or not packed as its content encoding says"}
}

func (h httpExport) tooLarge() error {
	return &refusal{refusedTooLarge, fmt.Sprintf("the body is larger than %d bytes: send smaller batches", h.largest)}
}

// refuse answers with a google.rpc.Status, as OTLP/HTTP has it.
func (h httpExport) refuse(w http.ResponseWriter, encoding string, why *refusal) {
	h.receiver.metrics.requests.WithLabelValues(h.signal, "http", why.outcome()).Inc()
	code := map[refusalKind]int{
		refusedBusy: http.StatusTooManyRequests, refusedUnavailable: http.StatusServiceUnavailable, refusedInvalid: http.StatusBadRequest,
		refusedTooLarge: http.StatusRequestEntityTooLarge, refusedToken: http.StatusUnauthorized,
	}[why.kind]
	var answer []byte
	var err error
	if encoding == typeJSON {
		answer, err = protojson.Marshal(why.status().Proto())
	} else {
		answer, err = proto.Marshal(why.status().Proto())
	}
	if err != nil {
		http.Error(w, why.message, code)
		return
	}
	if wait := why.retryAfter(); wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(wait.Seconds())))
	}
	if why.kind == refusedToken {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	w.Header().Set("Content-Type", encoding)
	w.WriteHeader(code)
	_, _ = w.Write(answer)
}

var errUnreadable = &refusal{refusedInvalid, "the body is not an OTLP export request in the encoding that its content type says"}

func (r *receiver) exportTraces(ctx context.Context, body []byte, encoding string) ([]byte, error) {
	request := ptraceotlp.NewExportRequest()
	if err := decode(body, encoding, request.UnmarshalProto, request.UnmarshalJSON); err != nil {
		return nil, err
	}
	response, err := r.traces(ctx, request)
	if err != nil {
		return nil, err
	}
	if encoding == typeJSON {
		return response.MarshalJSON()
	}
	return response.MarshalProto()
}

func (r *receiver) exportMetrics(ctx context.Context, body []byte, encoding string) ([]byte, error) {
	request := pmetricotlp.NewExportRequest()
	if err := decode(body, encoding, request.UnmarshalProto, request.UnmarshalJSON); err != nil {
		return nil, err
	}
	response, err := r.measurements(ctx, request)
	if err != nil {
		return nil, err
	}
	if encoding == typeJSON {
		return response.MarshalJSON()
	}
	return response.MarshalProto()
}

// decode reads a body. Its error does not repeat what the decoder says: that may quote
// the body.
func decode(body []byte, encoding string, fromProto, fromJSON func([]byte) error) error {
	read := fromProto
	if encoding == typeJSON {
		read = fromJSON
	}
	if read(body) != nil {
		return errUnreadable
	}
	return nil
}
