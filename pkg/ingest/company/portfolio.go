package company

import (
	"time"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// The business units.
const (
	unitSearch      = "Search & Discovery"
	unitCare        = "Customer Care"
	unitSupplyChain = "Supply Chain"
	unitMarketing   = "Marketing"
)

func units() []string { return []string{unitSearch, unitCare, unitSupplyChain, unitMarketing} }

// The models that more than one file speaks of.
const (
	modelCare    = "meta-llama/Llama-3.3-70B-Instruct"
	modelWriter  = "norrfold/brand-writer-9b"
	modelRanking = "norrfold/basket-ranker"
	modelRetired = "mistralai/Mistral-7B-Instruct-v0.3"
	modelStaged  = "openai/gpt-oss-20b"
	modelImagery = "stabilityai/stable-diffusion-xl-base-1.0"
)

// The projects that more than one file speaks of.
const (
	projectRanking  = "personal-ranking"
	projectCare     = "care-assistant"
	projectImagery  = "product-imagery"
	projectCampaign = "campaign-copy"
)

func projects() []warehouse.Project {
	return []warehouse.Project{
		{Name: "semantic-search", Team: "Search Relevance", BusinessUnit: unitSearch, ProductLine: "Online Shop", CostCentre: "CC-4110", Owner: "Ingrid Solheim"},
		{Name: "product-answers", Team: "Search Relevance", BusinessUnit: unitSearch, ProductLine: "Online Shop", CostCentre: "CC-4110", Owner: "Tomás Arrieta"},
		{Name: projectRanking, Team: "Recommendations", BusinessUnit: unitSearch, ProductLine: "Online Shop", CostCentre: "CC-4120", Owner: "Mei-Lin Hartono"},
		{Name: "visual-search", Team: "Recommendations", BusinessUnit: unitSearch, ProductLine: "Mobile App", CostCentre: "CC-4120", Owner: "Declan Osei"},
		{Name: projectCare, Team: "Conversational Care", BusinessUnit: unitCare, ProductLine: "Service Desk", CostCentre: "CC-5210", Owner: "Amara Lindqvist"},
		{Name: "contact-centre-insights", Team: "Contact Centre", BusinessUnit: unitCare, ProductLine: "Service Desk", CostCentre: "CC-5220", Owner: "Piotr Wachowiak"},
		{Name: "replenishment-planner", Team: "Planning", BusinessUnit: unitSupplyChain, ProductLine: "Replenishment", CostCentre: "CC-6310", Owner: "Saskia de Wolde"},
		{Name: "shelf-vision", Team: "Store Operations", BusinessUnit: unitSupplyChain, ProductLine: "Stores", CostCentre: "CC-6320", Owner: "Kwabena Duarte"},
		{Name: "logistics-copilot", Team: "Store Operations", BusinessUnit: unitSupplyChain, ProductLine: "Replenishment", CostCentre: "CC-6320", Owner: "Hanne Virtala"},
		{Name: projectImagery, Team: "Brand Studio", BusinessUnit: unitMarketing, ProductLine: "Content", CostCentre: "CC-7410", Owner: "Lucía Ferrand"},
		{Name: projectCampaign, Team: "Brand Studio", BusinessUnit: unitMarketing, ProductLine: "Content", CostCentre: "CC-7410", Owner: "Jonas Etxeberria"},
		{Name: "review-insights", Team: "Growth Marketing", BusinessUnit: unitMarketing, ProductLine: "Loyalty", CostCentre: "CC-7420", Owner: "Priya Nakagawa"},
	}
}

// models lists the models with the parameter counts of their model cards. The
// accuracies are the company's own tests and invented.
func models() []warehouse.Model {
	return []warehouse.Model{
		model(modelCare, "Meta", "Llama", "chat", 70.6, 0.931, "resolution accuracy", 94, 2500),
		model("meta-llama/Llama-3.1-8B-Instruct", "Meta", "Llama", "chat", 8.03, 0.884, "answer accuracy", 82, 900),
		model("Qwen/Qwen3-14B", "Alibaba Cloud", "Qwen", "chat", 14.8, 0.902, "answer accuracy", 71, 1500),
		model("google/gemma-3-12b-it", "Google", "Gemma", "chat", 12.2, 0.871, "answer accuracy", 38, 1800),
		model("mistralai/Mixtral-8x7B-Instruct-v0.1", "Mistral AI", "Mixtral", "chat", 46.7, 0.879, "editor acceptance", 27, 3000),
		model(modelWriter, "Norrfold", "Brand Writer", "chat", 9.2, 0.913, "editor acceptance", 58, 2000),
		inStage("retired", model(modelRetired, "Mistral AI", "Mistral", "chat", 7.25, 0.846, "answer accuracy", 33, 1200)),
		model("Qwen/QwQ-32B", "Alibaba Cloud", "Qwen", "reasoning", 32.8, 0.927, "plan feasibility", 88, 30000),
		inStage("staging", model(modelStaged, "OpenAI", "gpt-oss", "reasoning", 20.9, 0.918, "plan feasibility", 46, 20000)),
		model("Qwen/Qwen2.5-VL-7B-Instruct", "Alibaba Cloud", "Qwen", "image_chat", 8.29, 0.867, "match accuracy", 64, 1600),
		inStage("development", model("Qwen/Qwen2.5-Coder-7B-Instruct", "Alibaba Cloud", "Qwen", "code_completion", 7.62, 0.381, "suggestion acceptance", 41, 400)),
		model(modelImagery, "Stability AI", "Stable Diffusion", "text_to_image", 3.5, 0.762, "designer acceptance", 36, 12000),
		model("distilbert/distilbert-base-uncased-finetuned-sst-2-english", "Hugging Face", "DistilBERT", "text_classification", 0.067, 0.911, "accuracy", 29, 60),
		model("norrfold/query-intent", "Norrfold", "Query Intent", "text_classification", 0.435, 0.947, "accuracy", 76, 50),
		model("deepset/roberta-base-squad2", "deepset", "RoBERTa", "extractive_qa", 0.124, 0.829, "F1", 52, 80),
		model("facebook/detr-resnet-50", "Meta", "DETR", "object_detection", 0.0416, 0.42, "mAP", 44, 250),
		model("facebook/bart-large-cnn", "Meta", "BART", "summarization", 0.406, 0.441, "ROUGE-1", 31, 1200),
		model("BAAI/bge-m3", "BAAI", "BGE", "embedding", 0.57, 0.694, "nDCG@10", 90, 40),
		model("openai/whisper-large-v3", "OpenAI", "Whisper", "speech_recognition", 1.55, 0.918, "1 − word error rate", 68, 4000),
		model(modelRanking, "Norrfold", "Basket Ranker", "recommendation", 0.92, 0.336, "recall@20", 79, 45),
	}
}

func model(name, provider, family, taskClass string, parameters, accuracy float64, metric string, criticality, latencyMilliseconds int) warehouse.Model {
	latency := time.Duration(latencyMilliseconds) * time.Millisecond
	return warehouse.Model{
		Name: name, Provider: provider, Family: family, TaskClass: taskClass, ParametersBillion: &parameters, Accuracy: &accuracy,
		AccuracyMetric: metric, BusinessCriticality: &criticality, Stage: "production", LatencySLO: &latency,
	}
}

func inStage(stage string, m warehouse.Model) warehouse.Model {
	m.Stage = stage
	return m
}
