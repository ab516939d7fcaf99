package main

import (
	"net"
	"os"
	"strconv"
)

// reloading is what systemd wants to know when a reload begins; with Type=notify-reload it
// waits for the READY=1 after it. The time is that of the monotonic clock.
func reloading() string {
	return "RELOADING=1\nMONOTONIC_USEC=" + strconv.FormatInt(monotonic(), 10)
}

// tellSystemd tells systemd how the service is, see sd_notify(3). Without systemd
// it does nothing, and a message that is lost does no harm.
func tellSystemd(state string) {
	address := os.Getenv("NOTIFY_SOCKET")
	if address == "" {
		return
	}
	if address[0] == '@' {
		address = "\x00" + address[1:] // an abstract socket
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = conn.Write([]byte(state))
}
