package sqs

import (
	"fmt"
	"net/http"
)

// apiError is an error as the protocol carries it: a shape name in the body and,
// for clients that grew up with the older query protocol, the code it had there.
type apiError struct {
	status  int
	typ     string
	query   string // the query protocol's code; typ where empty
	message string
}

// Error returns the type and the message.
func (e *apiError) Error() string { return e.typ + ": " + e.message }

func (e *apiError) queryCode() string {
	if e.query != "" {
		return e.query
	}
	return e.typ
}

func writeError(w http.ResponseWriter, err error) {
	e := asAPIError(err)
	fault := "Sender"
	if e.status >= http.StatusInternalServerError {
		fault = "Receiver"
	}
	w.Header().Set("X-Amzn-Query-Error", e.queryCode()+";"+fault)
	// An error that cannot be written has no one left to read it.
	_ = writeJSON(w, e.status, errorBody{Type: "com.amazonaws.sqs#" + e.typ, Message: e.message})
}

func asAPIError(err error) *apiError {
	if e, ok := err.(*apiError); ok { //nolint:errorlint // this package never wraps its own errors
		return e
	}
	return &apiError{status: http.StatusInternalServerError, typ: "InternalFailure", message: err.Error()}
}

func sender(typ, query, format string, args ...any) *apiError {
	return &apiError{status: http.StatusBadRequest, typ: typ, query: query, message: fmt.Sprintf(format, args...)}
}

func invalidValue(format string, args ...any) *apiError {
	return sender("InvalidParameterValueException", "InvalidParameterValue", format, args...)
}

func missing(parameter string) *apiError {
	return sender("MissingRequiredParameterException", "MissingParameter", "The request must contain the parameter %s.", parameter)
}

func noQueue() *apiError {
	return sender("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.")
}

func badHandle() *apiError {
	e := sender("ReceiptHandleIsInvalid", "", "The input receipt handle is invalid.")
	e.status = http.StatusNotFound
	return e
}

func notSupported(format string, args ...any) *apiError {
	return sender("UnsupportedOperation", "AWS.SimpleQueueService.UnsupportedOperation", format, args...)
}

func noResource(what string) *apiError {
	e := sender("ResourceNotFoundException", "", "The resource named by %s does not exist.", what)
	e.status = http.StatusNotFound
	return e
}
