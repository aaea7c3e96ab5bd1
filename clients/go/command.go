package rolecall

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"time"
)

// outputOf returns what a command prints, at most the limit of a token and one byte more. The command is ended, with all that it
// started, when it takes too long or the context ends.
func outputOf(ctx context.Context, command []string, name string, limit time.Duration) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	process := exec.CommandContext(ctx, command[0], command[1:]...)
	process.Stderr = os.Stderr
	process.WaitDelay = time.Second
	endWithGroup(process)
	output, err := process.StdoutPipe()
	if err == nil {
		err = process.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("%s cannot be started: %w", name, cause(err))
	}
	read, _ := io.ReadAll(io.LimitReader(output, MaxTokenBytes+1))
	if len(read) > MaxTokenBytes {
		cancel()
		_ = process.Wait()
		return read, nil
	}
	err = process.Wait()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("%s has not ended within %v", name, limit)
	case errors.As(err, &exit):
		return nil, fmt.Errorf("%s failed with exit code %d", name, exit.ExitCode())
	case err != nil:
		return nil, fmt.Errorf("%s failed: %w", name, err)
	}
	return read, nil
}

// cause returns an error without the path, which the message has already.
func cause(err error) error {
	var path *fs.PathError
	var program *exec.Error
	switch {
	case errors.As(err, &path):
		return path.Err
	case errors.As(err, &program):
		return program.Err
	}
	return err
}
