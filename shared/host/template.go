package host

import (
	"encoding/json"
	"maps"
	"path"
	"strconv"
	"strings"
	"time"
	"unicode"

	"gopkg.in/yaml.v3"

	"rostrum/shared/apperr"
)

// Template is what the host needs of template.yaml.
type Template struct {
	Functions []Function
	Queues    []Queue
}

// Function is one function and what wakes it.
type Function struct {
	// LogicalID is its name in the template, for example PublishFunction.
	LogicalID string
	// Name is its folder under functions/, for example publish.
	Name    string
	Timeout time.Duration
	// HTTP tells whether it answers the HTTP API's $default route.
	HTTP      bool
	Sources   []Source
	Schedules []Schedule

	environment map[string]value
}

// Source is a queue that a function consumes.
type Source struct {
	// Queue is the queue's logical id.
	Queue string
	// BatchSize is the most messages of one invocation, from 1.
	BatchSize int
	// Window is how long a batch that is not full waits for more; 0 is not at all.
	Window time.Duration
	// MaxConcurrency is how many batches run at once, from 2.
	MaxConcurrency int
	// PartialFailures tells whether the function reports which messages failed.
	PartialFailures bool
}

// Schedule is a rule that wakes a function with a fixed payload.
type Schedule struct {
	// Name is the event's name in the template, for example Tick.
	Name string
	// Expression is rate(...) or cron(...), as it stands in the template.
	Expression string
	Input      json.RawMessage
	// MaxAge is how late its event may still reach the function.
	MaxAge time.Duration

	when cadence
}

// Queue is one queue, dead-letter queues included.
type Queue struct {
	LogicalID  string
	Name       string
	Visibility time.Duration
	Retention  time.Duration
	// DeadLetter is the logical id of its dead-letter queue, empty for none;
	// MaxReceives is then how often a message is received before it goes there.
	DeadLetter  string
	MaxReceives int
}

// defaultConcurrency is used where the template sets no limit; Lambda's own
// would be the account's.
const defaultConcurrency = 10

// defaultEventAge is EventBridge's own, a day in seconds:
// docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html, read 2026-11.
const defaultEventAge = 86_400

// Load reads a SAM template: functions with their HTTP, queue and schedule
// events, and queues. parameters are the values of the template's parameters
// where they differ from the defaults. It reads plain YAML with the long-form
// intrinsics Ref and Fn::GetAtt; an intrinsic in any other form is refused, and
// so is an event of a kind the host cannot produce. Errors: Invalid.
func Load(data []byte, parameters map[string]string) (*Template, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(data, &document); err != nil {
		return nil, refuse("it is not YAML: %v", err)
	}
	if len(document.Content) != 1 {
		return nil, refuse("it is empty")
	}
	r := reader{parameters: map[string]string{}}
	root := r.value(document.Content[0], "template")
	for name, p := range root.at("Parameters").entries() {
		r.parameters[name] = p.at("Default").text()
	}
	for name, given := range parameters {
		if _, known := r.parameters[name]; !known {
			return nil, refuse("it has no parameter %s", name)
		}
		r.parameters[name] = given
	}
	// The second reading knows the parameters.
	root = r.value(document.Content[0], "template")
	t := &Template{}
	globals := root.at("Globals").at("Function")
	for id, resource := range root.at("Resources").entries() {
		properties := resource.at("Properties")
		switch resource.at("Type").text() {
		case "AWS::Serverless::Function":
			t.Functions = append(t.Functions, function(id, properties, globals))
		case "AWS::SQS::Queue":
			t.Queues = append(t.Queues, queue(id, properties))
		}
	}
	if r.fault != nil {
		return nil, r.fault
	}
	if err := t.check(); err != nil {
		return nil, err
	}
	return t, nil
}

func function(id string, properties, globals value) Function {
	f := Function{LogicalID: id, environment: map[string]value{}}
	uri := properties.at("CodeUri").text()
	f.Name = path.Base(path.Dir(strings.TrimSuffix(uri, "/")))
	if !strings.HasPrefix(uri, "functions/") || f.Name == "functions" || f.Name == "." {
		properties.refuse("CodeUri is not functions/<name>/lambda/")
	}
	f.Timeout = properties.or("Timeout", globals).seconds(3)
	for _, from := range []value{globals, properties} {
		maps.Insert(f.environment, from.at("Environment").at("Variables").entries())
	}
	for name, event := range properties.at("Events").entries() {
		f.addEvent(name, event)
	}
	return f
}

func (f *Function) addEvent(name string, event value) {
	p := event.at("Properties")
	switch kind := event.at("Type").text(); kind {
	case "HttpApi":
		if p.at("Path").set() {
			p.refuse("only the $default route, without Path, is supported")
		}
		f.HTTP = true
	case "SQS":
		f.Sources = append(f.Sources, source(p))
	case "Schedule":
		f.Schedules = append(f.Schedules, schedule(name, p))
	default:
		event.refuse("the event type " + strconv.Quote(kind) + " is not supported")
	}
}

func source(p value) Source {
	s := Source{
		Queue: p.at("Queue").resource("Arn"), BatchSize: p.at("BatchSize").number(10),
		Window:         p.at("MaximumBatchingWindowInSeconds").seconds(0),
		MaxConcurrency: p.at("ScalingConfig").at("MaximumConcurrency").number(defaultConcurrency),
	}
	for _, v := range p.at("FunctionResponseTypes").items() {
		s.PartialFailures = s.PartialFailures || v.text() == "ReportBatchItemFailures"
	}
	if s.BatchSize < 1 || s.BatchSize > 10 && s.Window == 0 || s.BatchSize > 10_000 {
		p.refuse("BatchSize is from 1 to 10, or to 10,000 with a batching window")
	}
	if s.MaxConcurrency < 2 || s.MaxConcurrency > 1000 {
		p.refuse("MaximumConcurrency is from 2 to 1000")
	}
	return s
}

func schedule(name string, p value) Schedule {
	s := Schedule{
		Name: name, Expression: p.at("Schedule").text(), Input: json.RawMessage(p.at("Input").text()),
		MaxAge: p.at("RetryPolicy").at("MaximumEventAgeInSeconds").seconds(defaultEventAge),
	}
	var err error
	if s.when, err = parseCadence(s.Expression); err != nil {
		p.refuse(err.Error())
	}
	if !json.Valid(s.Input) {
		p.refuse("Input is not JSON")
	}
	return s
}

func queue(id string, p value) Queue {
	q := Queue{
		LogicalID: id, Name: p.at("QueueName").text(),
		Visibility: p.at("VisibilityTimeout").seconds(30), Retention: p.at("MessageRetentionPeriod").seconds(345_600),
	}
	if q.Name == "" {
		q.Name = "rostrum-" + kebab(strings.TrimSuffix(id, "Queue"))
	}
	if policy := p.at("RedrivePolicy"); policy.set() {
		q.DeadLetter = policy.at("deadLetterTargetArn").resource("Arn")
		q.MaxReceives = policy.at("maxReceiveCount").number(10)
	}
	return q
}

// kebab writes PublishDeadLetter as publish-dead-letter.
func kebab(s string) string {
	var b strings.Builder
	for i, r := range s {
		if upper := r >= 'A' && r <= 'Z'; upper && i > 0 {
			b.WriteByte('-')
		}
		b.WriteRune(r)
	}
	return strings.ToLower(b.String())
}

// check refuses what does not fit together.
func (t *Template) check() error {
	queues := map[string]Queue{}
	for _, q := range t.Queues {
		queues[q.LogicalID] = q
	}
	for _, q := range t.Queues {
		if _, ok := queues[q.DeadLetter]; q.DeadLetter != "" && !ok {
			return refuse("queue %s has the dead-letter queue %s, which does not exist", q.LogicalID, q.DeadLetter)
		}
	}
	http := ""
	for _, f := range t.Functions {
		if f.HTTP && http != "" {
			return refuse("both %s and %s answer the HTTP API", http, f.LogicalID)
		}
		if f.HTTP {
			http = f.LogicalID
		}
		for _, s := range f.Sources {
			q, ok := queues[s.Queue]
			if !ok {
				return refuse("function %s consumes the queue %s, which does not exist", f.LogicalID, s.Queue)
			}
			// Lambda refuses such a mapping: the message would come back while
			// it is still worked on.
			if q.Visibility < f.Timeout {
				return refuse("queue %s hides a message for %s, less than the %s that function %s may take", q.LogicalID, q.Visibility, f.Timeout, f.LogicalID)
			}
		}
	}
	return nil
}

// Environment returns the environment that a function's variables describe.
// queueURLs are the queues' addresses by logical id; a variable that refers to a
// queue without one is left out.
func (t *Template) Environment(f Function, queueURLs map[string]string) map[string]string {
	environment := map[string]string{}
	for name, v := range f.environment {
		if v.ref == "" {
			environment[name] = v.scalar
		} else if url, ok := queueURLs[v.ref]; ok {
			environment[name] = url
		}
	}
	return environment
}

// Settings returns the environment of a function in a program that knows the
// settings of all: given over what the template says. A setting that is given
// under the name of a variable's parameter, in capitals, is that variable's:
// where DATABASE_URL refers to ApiDatabaseUrl, API_DATABASE_URL is meant.
func (t *Template) Settings(f Function, queueURLs, given map[string]string) map[string]string {
	environment := t.Environment(f, queueURLs)
	maps.Copy(environment, given)
	for name, v := range f.environment {
		if value, ok := given[capitals(v.parameter)]; ok {
			environment[name] = value
		}
	}
	return environment
}

// capitals spells ApiDatabaseUrl as API_DATABASE_URL.
func capitals(parameter string) string {
	var b strings.Builder
	for i, r := range parameter {
		if i > 0 && unicode.IsUpper(r) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToUpper(r))
	}
	return b.String()
}

func refuse(format string, args ...any) error {
	return apperr.New(apperr.Invalid, "bad_template", "template: "+format, args...)
}
