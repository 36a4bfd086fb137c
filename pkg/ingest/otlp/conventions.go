package otlp

import (
	"slices"
	"strings"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

// Names of OpenTelemetry's semantic conventions for generative AI, as they are now.
const (
	attributeOperation     = "gen_ai.operation.name"
	attributeProvider      = "gen_ai.provider.name"
	attributeRequestModel  = "gen_ai.request.model"
	attributeResponseModel = "gen_ai.response.model"
	attributeInputTokens   = "gen_ai.usage.input_tokens"
	attributeOutputTokens  = "gen_ai.usage.output_tokens"
	attributeTokenType     = "gen_ai.token.type"
	attributeErrorType     = "error.type"
	attributeServer        = "server.address"
	attributeHost          = "host.name"
	attributeNode          = "k8s.node.name"
	attributeService       = "service.name"
	attributeEnvironment   = "deployment.environment.name"
	attributeRegion        = "cloud.region"
	// Our own, for whoever can set resource attributes and nothing else.
	attributeProject         = "wattscore.project"
	attributeEndpoint        = "wattscore.endpoint"
	attributeWarehouseRegion = "wattscore.region"

	metricTokens         = "gen_ai.client.token.usage"
	metricClientDuration = "gen_ai.client.operation.duration"
	metricServerDuration = "gen_ai.server.request.duration"
)

// formerNames are what attributes were called in earlier versions of the conventions,
// newest first; an attribute that has its present name is read by that.
var formerNames = map[string][]string{
	attributeOperation:    {"llm.request.type"}, // OpenLLMetry before the conventions
	attributeProvider:     {"gen_ai.system"},
	attributeInputTokens:  {"gen_ai.usage.prompt_tokens"},
	attributeOutputTokens: {"gen_ai.usage.completion_tokens"},
	attributeServer:       {"net.peer.name", "peer.address"},
	attributeEnvironment:  {"deployment.environment"},
}

// formerOperations are what operations were called, and are by LiteLLM.
var formerOperations = map[string]string{
	"completion":       "text_completion",
	"embedding":        "embeddings",
	"acompletion":      "chat",
	"responses":        "chat",
	"aresponses":       "chat",
	"atext_completion": "text_completion",
	"aembedding":       "embeddings",
}

// notFound is what OpenLIT puts where an attribute has no value.
const notFound = "NOT_FOUND"

// formerTokenTypes are what types of tokens were called.
var formerTokenTypes = map[string]string{"prompt": "input", "completion": "output"}

// defaultOperations are the operations that are one call to a model each. Those that
// may hold several (invoke_agent, create_agent, invoke_workflow) and those that are
// none (execute_tool, retrieval) are left out.
var defaultOperations = []string{"chat", "text_completion", "generate_content", "embeddings"}

// unnamedOperation is what a call is that says no operation, as model servers do.
const unnamedOperation = "chat"

// operationClasses are the task classes that a new model gets by its first call.
var operationClasses = map[string]string{
	"chat":             "chat",
	"generate_content": "chat",
	"text_completion":  "text_generation",
	"embeddings":       "embedding",
}

func workloadOf(operation string) kpi.Workload {
	if operation == "embeddings" {
		return kpi.WorkloadEmbedding
	}
	return kpi.WorkloadInference
}

// contentNames are the attributes, or the beginnings of their names, that hold what
// people wrote and models answered.
var contentNames = []string{
	"gen_ai.prompt", "gen_ai.completion", "gen_ai.content", "gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions",
	"gen_ai.tool.call.arguments", "gen_ai.tool.call.result", "gen_ai.tool.definitions", "gen_ai.retrieval.query", "gen_ai.retrieval.documents",
	"gen_ai.evaluation.explanation", "traceloop.entity.input", "traceloop.entity.output", "input.value", "output.value",
	"llm.prompts", "llm.completions", "llm.input_messages", "llm.output_messages", "ai.prompt", "ai.response.text", "ai.response.object",
	"ai.toolCall", "ai.response.toolCalls", "db.query.text", "db.statement", "http.request.body", "http.response.body",
}

func holdsContent(attribute string) bool {
	return slices.ContainsFunc(contentNames, func(name string) bool {
		return attribute == name || strings.HasPrefix(attribute, name+".")
	})
}
