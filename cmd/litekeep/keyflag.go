package main

import (
	"bytes"
	"context"
	"errors"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"
)

const keyFlagName = "key"

// references are the beginnings of references to keys, for completion.
var references = []string{
	"file:", "passphrase-file:", "passphrase-env:", "prompt", "awskms://", "gcpkms://", "azurekeyvault://", "hashivault://",
}

// keyFlag adds --key, which names a key and never holds one.
func (a *app) keyFlag(f *pflag.FlagSet, cmd *cobra.Command) {
	a.refsFlag(f, cmd, &a.cfg.Keys, keyFlagName, "`REF` of a key: file:PATH, passphrase-file:PATH, passphrase-env:NAME, prompt or a KMS URL; repeatable")
}

// refsFlag adds a flag of references to keys. What the environment says is not
// shown as its default: somebody may have put a secret there.
func (a *app) refsFlag(f *pflag.FlagSet, cmd *cobra.Command, refs *[]string, name, usage string) {
	f.StringArrayVar(refs, name, *refs, usage)
	f.Lookup(name).DefValue = "[]"
	_ = cmd.RegisterFlagCompletionFunc(name, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return references, cobra.ShellCompDirectiveNoSpace
	}) // the flag exists
}

// errNoTerminal says that there is nobody to ask.
var errNoTerminal = errors.New("there is no terminal to ask at: use passphrase-file:PATH or passphrase-env:NAME")

// askPassphrase asks at the terminal, without echo; twice where a backup is to be
// sealed.
func (a *app) askPassphrase(ctx context.Context, twice bool) ([]byte, error) {
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return nil, errNoTerminal
	}
	phrase, err := a.readHidden(ctx, "Passphrase: ")
	if err != nil || !twice {
		return phrase, err
	}
	again, err := a.readHidden(ctx, "The same again: ")
	if err == nil && !bytes.Equal(phrase, again) {
		err = errors.New("the two passphrases differ")
	}
	return phrase, err
}

// readHidden reads a line from the terminal without echo, which is on again when
// it returns, also where ctx ends it.
func (a *app) readHidden(ctx context.Context, question string) ([]byte, error) {
	fd := int(os.Stdin.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return nil, err
	}
	type answer struct {
		text []byte
		err  error
	}
	answers := make(chan answer, 1)
	if _, err := a.screen.Write([]byte(question)); err != nil {
		return nil, err
	}
	go func() {
		text, err := term.ReadPassword(fd)
		answers <- answer{text, err}
	}()
	select {
	case x := <-answers:
		_, err := a.screen.Write([]byte("\n"))
		return x.text, errors.Join(x.err, err)
	case <-ctx.Done():
		return nil, errors.Join(ctx.Err(), term.Restore(fd, before))
	}
}
