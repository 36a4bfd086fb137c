package otlp

import (
	"context"
	"crypto/tls"
	"errors"
	"time"

	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	_ "google.golang.org/grpc/encoding/gzip" // senders compress
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"
	"google.golang.org/protobuf/types/known/durationpb"
)

// requestTimeout bounds a request from its first byte to its commit.
const requestTimeout = 30 * time.Second

// newGRPC is the OTLP/gRPC server. A request takes its place before it is read, and
// keeps it until it is answered or out of time.
func newGRPC(r *receiver, secure *tls.Config, allowed Tokens, largest int) *grpc.Server {
	options := []grpc.ServerOption{
		grpc.MaxRecvMsgSize(largest),
		grpc.MaxConcurrentStreams(uint32(cap(r.slots))),
		grpc.MaxHeaderListSize(16 << 10),
		grpc.ConnectionTimeout(10 * time.Second),
		grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionIdle: 15 * time.Minute, Time: time.Minute, Timeout: 20 * time.Second}),
		grpc.InTapHandle(func(ctx context.Context, call *tap.Info) (context.Context, error) {
			if !allowed.admit(call.Header.Get("authorization")) {
				return ctx, r.refuseGRPC(signalOf(call.FullMethodName), errToken)
			}
			if !r.enter() {
				return ctx, r.refuseGRPC(signalOf(call.FullMethodName), errBusy)
			}
			ctx, cancel := context.WithTimeout(ctx, requestTimeout)
			context.AfterFunc(ctx, func() {
				cancel()
				r.leave()
			})
			return ctx, nil
		}),
	}
	if secure != nil {
		options = append(options, grpc.Creds(credentials.NewTLS(secure)))
	}
	server := grpc.NewServer(options...)
	ptraceotlp.RegisterGRPCServer(server, &grpcTraces{receiver: r})
	pmetricotlp.RegisterGRPCServer(server, &grpcMetrics{receiver: r})
	return server
}

type grpcTraces struct {
	ptraceotlp.UnimplementedGRPCServer
	receiver *receiver
}

// Export counts a request's spans.
func (s *grpcTraces) Export(ctx context.Context, request ptraceotlp.ExportRequest) (ptraceotlp.ExportResponse, error) {
	response, err := s.receiver.traces(ctx, request)
	if err != nil {
		return response, s.receiver.refuseGRPC("traces", err)
	}
	s.receiver.metrics.requests.WithLabelValues("traces", "grpc", "ok").Inc()
	return response, nil
}

type grpcMetrics struct {
	pmetricotlp.UnimplementedGRPCServer
	receiver *receiver
}

// Export counts a request's data points.
func (s *grpcMetrics) Export(ctx context.Context, request pmetricotlp.ExportRequest) (pmetricotlp.ExportResponse, error) {
	response, err := s.receiver.measurements(ctx, request)
	if err != nil {
		return response, s.receiver.refuseGRPC("metrics", err)
	}
	s.receiver.metrics.requests.WithLabelValues("metrics", "grpc", "ok").Inc()
	return response, nil
}

func signalOf(method string) string {
	switch method {
	case "/opentelemetry.proto.collector.trace.v1.TraceService/Export":
		return "traces"
	case "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export":
		return "metrics"
	default:
		return "other"
	}
}

func (r *receiver) refuseGRPC(signal string, err error) error {
	why := refusalOf(err)
	r.metrics.requests.WithLabelValues(signal, "grpc", why.outcome()).Inc()
	return why.status().Err()
}

// refusalOf is the refusal that an error is.
func refusalOf(err error) *refusal {
	var why *refusal
	if errors.As(err, &why) {
		return why
	}
	return &refusal{refusedUnavailable, "the request could not be handled now: try again"}
}

// status is the refusal as senders of either transport understand it: with a time to
// try again, or for good.
func (r *refusal) status() *status.Status {
	code := map[refusalKind]codes.Code{
		refusedBusy: codes.Unavailable, refusedUnavailable: codes.Unavailable, refusedInvalid: codes.InvalidArgument,
		refusedTooLarge: codes.InvalidArgument, refusedToken: codes.Unauthenticated,
	}[r.kind]
	s := status.New(code, r.message)
	if wait := r.retryAfter(); wait > 0 {
		if detailed, err := s.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(wait)}); err == nil {
			return detailed
		}
	}
	return s
}
