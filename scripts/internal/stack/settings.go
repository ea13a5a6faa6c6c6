package stack

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"rostrum/shared/config"
)

// Settings are what a person may set for a local stack. Each outside part is
// one variable: set, the stack uses what it names; unset, it embeds one.
type Settings struct {
	// Port is the dashboard's; the queue service, the simulated X, model, news and
	// Instagram follow on the next five.
	Port int `env:"PORT" envDefault:"8080"`
	// Ports is "free" to take any free ports, else empty.
	Ports   string `env:"ROSTRUM_PORTS"`
	DataDir string `env:"DATA_DIR" envDefault:".local"`
	// HostAddress is where machines reach the embedded parts: the container
	// bridge's address when the functions run in containers.
	HostAddress string `env:"HOST_ADDRESS" envDefault:"127.0.0.1"`

	DatabaseURL config.Secret `env:"DATABASE_URL"`
	SQSEndpoint string        `env:"AWS_ENDPOINT_URL_SQS"`
	VaultKeyset config.Secret `env:"VAULT_KEYSET"`
	AuditKey    config.Secret `env:"AUDIT_KEY"`
	AuditHeads  string        `env:"AUDIT_HEADS_FILE"`
	RedisURL    config.Secret `env:"REDIS_URL"`
	BlobURL     string        `env:"BLOB_URL"`

	XClientID     string        `env:"X_CLIENT_ID"`
	XClientSecret config.Secret `env:"X_CLIENT_SECRET"`

	InstagramClientID     string        `env:"INSTAGRAM_CLIENT_ID"`
	InstagramClientSecret config.Secret `env:"INSTAGRAM_CLIENT_SECRET"`

	OpenAIKey     config.Secret `env:"OPENAI_API_KEY"`
	OpenAIBaseURL string        `env:"OPENAI_BASE_URL"`
	OpenAIModel   string        `env:"OPENAI_MODEL"`

	// ReadingAges makes the first numbers come while a visitor still looks on.
	ReadingAges string `env:"READING_AGES" envDefault:"15s,1h,24h,72h,168h,720h"`
	LogLevel    string `env:"LOG_LEVEL" envDefault:"warn"`
}

// Validate checks what tags cannot say.
func (s *Settings) Validate() error {
	var faults []error
	if s.Port < 1 || s.Port > 65535-embeddedPorts {
		faults = append(faults, fmt.Errorf("PORT is %d, but must be 1 to %d", s.Port, 65535-embeddedPorts))
	}
	if s.Ports != "" && s.Ports != "free" {
		faults = append(faults, fmt.Errorf("ROSTRUM_PORTS is %q, but can only be \"free\" or unset", s.Ports))
	}
	if net.ParseIP(s.HostAddress) == nil {
		faults = append(faults, fmt.Errorf("HOST_ADDRESS is %q, but must be an IP address of this machine", s.HostAddress))
	}
	if s.DataDir == "" {
		faults = append(faults, errors.New("DATA_DIR is empty: name a folder or unset it"))
	}
	if db := s.DatabaseURL.Reveal(); db != "" && !strings.HasPrefix(db, "postgres://") && !strings.HasPrefix(db, "postgresql://") {
		faults = append(faults, errors.New("DATABASE_URL does not begin with postgres://"))
	}
	for name, address := range map[string]string{"AWS_ENDPOINT_URL_SQS": s.SQSEndpoint, "OPENAI_BASE_URL": s.OpenAIBaseURL} {
		if u, err := url.Parse(address); address != "" && (err != nil || u.Host == "" || !strings.HasPrefix(u.Scheme, "http")) {
			faults = append(faults, fmt.Errorf("%s is not an http:// or https:// address", name))
		}
	}
	return errors.Join(faults...)
}

// simulatesX reports whether the network is ours: without an app of one's own
// the real X lets nobody in.
func (s *Settings) simulatesX() bool { return s.XClientID == "" }

// simulatesInstagram reports the same of Instagram.
func (s *Settings) simulatesInstagram() bool { return s.InstagramClientID == "" }

// simulatesModel reports whether the model is ours.
func (s *Settings) simulatesModel() bool { return s.OpenAIKey == "" && s.OpenAIBaseURL == "" }
