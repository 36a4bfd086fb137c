package main

import (
	"io"

	"github.com/jedib0t/go-pretty/v6/table"
)

// newTable is how every command lays out a table in the terminal.
func newTable(out io.Writer) table.Writer {
	writer := table.NewWriter()
	writer.SetOutputMirror(out)
	style := table.StyleLight
	style.Format.Header = 0 // as it is written
	style.Options = table.OptionsNoBordersAndSeparators
	style.Options.SeparateHeader = true
	writer.SetStyle(style)
	return writer
}
