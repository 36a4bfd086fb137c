package kpi

// InferenceCostPerBillionParameters is what answering requests costs for the size
// of the model, in USD per 1e9 parameters:
//
//	inference cost / parameters
//
// Source: the guide's Efficiency of R&D Investment. Refused without a cost and
// without parameters.
func InferenceCostPerBillionParameters(cost *USD, billions *float64) *float64 {
	if cost == nil || billions == nil {
		return nil
	}
	return quotient(*cost, *billions)
}

// AccuracyPerBillionParameters is what a model's size brings, as accuracy (0..1)
// per 1e9 parameters:
//
//	accuracy / parameters
//
// Accuracies compare within one metric only. Source: the guide's Efficiency of
// R&D Investment. Refused without an accuracy and without parameters.
func AccuracyPerBillionParameters(accuracy, billions *float64) *float64 {
	if accuracy == nil || billions == nil {
		return nil
	}
	return quotient(*accuracy, *billions)
}
