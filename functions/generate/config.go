package generate

import (
	"errors"

	"rostrum/shared/ai/openai"
	"rostrum/shared/config"
	"rostrum/shared/telemetry"
)

// Config is what the generate function needs to know.
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

	Model openai.Settings

	// RedisURL is where what was read outside is kept for a while; without one,
	// everything is read anew.
	RedisURL config.Secret `env:"REDIS_URL"`

	// SourceAllowedHosts are hosts of sources that may point inward
	// ("127.0.0.1:8084"), for the simulated news.
	SourceAllowedHosts []string `env:"SOURCE_ALLOWED_HOSTS"`
}

// Validate checks what tags cannot say.
func (c *Config) Validate() error {
	if c.DatabaseMaxConns < 1 || c.DatabaseMaxConns > 100 {
		return errors.New("DATABASE_MAX_CONNS must be 1 to 100")
	}
	return nil
}
