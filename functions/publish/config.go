package publish

import (
	"errors"
	"time"

	"rostrum/shared/blob"
	"rostrum/shared/config"
	"rostrum/shared/platform/networks"
	"rostrum/shared/telemetry"
)

// Config is what the publish function needs to know.
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
	// PublicURL is where networks reach the images of a folder, as https://host; a
	// bucket has an address of its own.
	PublicURL string `env:"PUBLIC_URL"`

	// ReadingAges are the ages at which a published post is read.
	ReadingAges []time.Duration `env:"READING_AGES" envDefault:"1h,24h,72h,168h,720h"`
}

// filesURL is the base of a folder's addresses; empty signs none.
func (c *Config) filesURL() string {
	if c.PublicURL == "" {
		return ""
	}
	return c.PublicURL + blob.Path
}

// Validate checks what tags cannot say.
func (c *Config) Validate() error {
	if c.DatabaseMaxConns < 1 || c.DatabaseMaxConns > 100 {
		return errors.New("DATABASE_MAX_CONNS must be 1 to 100")
	}
	if len(c.ReadingAges) == 0 || len(c.ReadingAges) > 20 {
		return errors.New("READING_AGES must name 1 to 20 ages, for example 1h,24h")
	}
	for _, age := range c.ReadingAges {
		if age < time.Second || age%time.Second != 0 {
			return errors.New("READING_AGES must be whole seconds of at least one")
		}
	}
	return nil
}
