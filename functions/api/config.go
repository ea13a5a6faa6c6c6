package api

import (
	"errors"
	"net/url"
	"strings"
	"time"

	"rostrum/shared/blob"
	"rostrum/shared/config"
	"rostrum/shared/platform/networks"
	"rostrum/shared/telemetry"
)

// Config is what the api function needs to know.
type Config struct {
	DatabaseURL      config.Secret `env:"DATABASE_URL,required,notEmpty"`
	DatabaseMaxConns int32         `env:"DATABASE_MAX_CONNS" envDefault:"2"`
	LogLevel         string        `env:"LOG_LEVEL" envDefault:"info"`
	Telemetry        telemetry.Settings

	QueueURLGenerate string `env:"QUEUE_URL_GENERATE,required,notEmpty"`
	QueueURLReview   string `env:"QUEUE_URL_REVIEW,required,notEmpty"`
	QueueURLPublish  string `env:"QUEUE_URL_PUBLISH,required,notEmpty"`
	QueueURLMetrics  string `env:"QUEUE_URL_METRICS,required,notEmpty"`
	// SQSEndpoint is another SQS than Amazon's.
	SQSEndpoint string `env:"AWS_ENDPOINT_URL_SQS"`

	VaultKeyset config.Secret `env:"VAULT_KEYSET,required,notEmpty"`
	Networks    networks.Settings
	Files       blob.Settings

	// PublicURL is the address browsers use; OAuth returns to it.
	PublicURL string `env:"PUBLIC_URL,required,notEmpty"`
	// ReadingAges are the ages at which a published post is read.
	ReadingAges []time.Duration `env:"READING_AGES" envDefault:"1h,24h,72h,168h,720h"`

	// RedisURL is where request limits are counted; without one, each process
	// counts for itself and allows a quarter.
	RedisURL config.Secret `env:"REDIS_URL"`
	// RequestRate is how much one session may ask in a second, in the long run;
	// the other limits follow it.
	RequestRate int `env:"REQUEST_RATE" envDefault:"20"`

	// SourceAllowedHosts are hosts of sources that may point inward
	// ("127.0.0.1:8084"), for the simulated news.
	SourceAllowedHosts []string `env:"SOURCE_ALLOWED_HOSTS"`

	// Demo says that this is a demo on somebody's own machine.
	Demo bool `env:"DEMO"`
	// SimulatedXURL and SimulatedInstagramURL are the pages of the simulated
	// networks; empty when the network is real.
	SimulatedXURL         string `env:"SIMULATED_NETWORK_URL"`
	SimulatedInstagramURL string `env:"SIMULATED_INSTAGRAM_URL"`
	// Model is the name of the model that the agents ask, for people to read.
	Model          string `env:"OPENAI_MODEL"`
	ModelSimulated bool   `env:"MODEL_SIMULATED"`
}

// Validate checks what tags cannot say, and takes a slash off the address.
func (c *Config) Validate() error {
	if c.DatabaseMaxConns < 1 || c.DatabaseMaxConns > 100 {
		return errors.New("DATABASE_MAX_CONNS must be 1 to 100")
	}
	c.PublicURL = strings.TrimRight(c.PublicURL, "/")
	u, err := url.Parse(c.PublicURL)
	if err != nil || u.Host == "" || u.Path != "" || (u.Scheme != "http" && u.Scheme != "https") {
		return errors.New("PUBLIC_URL must be an http:// or https:// address without a path")
	}
	if c.RequestRate < 1 || c.RequestRate > 100_000 {
		return errors.New("REQUEST_RATE must be 1 to 100000")
	}
	for _, age := range c.ReadingAges {
		if age < time.Second || age%time.Second != 0 {
			return errors.New("READING_AGES must be whole seconds of at least one")
		}
	}
	return nil
}
