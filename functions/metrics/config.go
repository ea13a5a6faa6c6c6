package metrics

import (
	"errors"

	"rostrum/shared/blob"
	"rostrum/shared/config"
	"rostrum/shared/platform/networks"
	"rostrum/shared/telemetry"
)

// Config is what the metrics function needs to know.
type Config struct {
	DatabaseURL      config.Secret `env:"DATABASE_URL,required,notEmpty"`
	DatabaseMaxConns int32         `env:"DATABASE_MAX_CONNS" envDefault:"2"`
	LogLevel         string        `env:"LOG_LEVEL" envDefault:"info"`
	Telemetry        telemetry.Settings

	QueueURLMetrics string `env:"QUEUE_URL_METRICS,required,notEmpty"`
	// SQSEndpoint is another SQS than Amazon's.
	SQSEndpoint string `env:"AWS_ENDPOINT_URL_SQS"`

	VaultKeyset config.Secret `env:"VAULT_KEYSET,required,notEmpty"`
	Networks    networks.Settings

	// AuditKey signs the heads of the audit log's chain; without one they are not
	// kept.
	AuditKey config.Secret `env:"AUDIT_KEY"`
	// AuditHeadsFile is a file that signed heads are added to; without one they
	// go to the log, whatever LOG_LEVEL says.
	AuditHeadsFile string `env:"AUDIT_HEADS_FILE"`
	Files          blob.Settings
}

// Validate checks what tags cannot say.
func (c *Config) Validate() error {
	if c.DatabaseMaxConns < 1 || c.DatabaseMaxConns > 100 {
		return errors.New("DATABASE_MAX_CONNS must be 1 to 100")
	}
	return nil
}
