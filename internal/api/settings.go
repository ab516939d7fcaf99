package api

import (
	"context"
	"net/http"

	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/service"
)

// SettingsAnswer is the configuration as people may see it.
type SettingsAnswer struct {
	Success  bool              `json:"success"`
	Settings []service.Setting `json:"settings"`
}

// ReloadAnswer says what a new configuration changed.
type ReloadAnswer struct {
	Success bool     `json:"success"`
	Changes []string `json:"changes" doc:"In words"`
}

// ChannelsAnswer tells how the channels of notifications fare.
type ChannelsAnswer struct {
	Success  bool                    `json:"success"`
	Channels []service.ChannelStatus `json:"channels"`
	Count    int                     `json:"count"`
}

func (a *API) registerSettings() {
	const tag = "service"
	register(a, operation{
		id: "get-settings", method: http.MethodGet, path: "/api/settings", tag: tag, action: access.See,
		summary: "Show the configuration", about: "Secrets show as (set).",
	}, func(ctx context.Context, by access.Principal, _ *struct{}) (*answer[SettingsAnswer], error) {
		all, err := a.door.Settings(ctx, by)
		if err != nil {
			return nil, err
		}
		return reply(SettingsAnswer{true, all}), nil
	})
	register(a, operation{
		id: "reload-config", method: http.MethodPost, path: "/api/config/reload", tag: tag, action: access.Reload,
		summary: "Read the configuration file again", failed: "Reload failed",
		about: "A file that is not valid is a 400 that says where, and the old configuration stays.",
	}, func(ctx context.Context, by access.Principal, _ *struct{ Body *Nothing }) (*answer[ReloadAnswer], error) {
		changes, err := a.door.Reload(ctx, by)
		if err != nil {
			return nil, err
		}
		return reply(ReloadAnswer{true, changes}), nil
	})
	register(a, operation{
		id: "list-channels", method: http.MethodGet, path: "/api/channels", tag: tag, action: access.See,
		summary: "Tell how the channels of notifications fare",
	}, func(ctx context.Context, by access.Principal, _ *struct{}) (*answer[ChannelsAnswer], error) {
		all, err := a.door.Channels(ctx, by)
		if err != nil {
			return nil, err
		}
		return reply(ChannelsAnswer{true, all, len(all)}), nil
	})
	register(a, operation{
		id: "test-channel", method: http.MethodPost, path: "/api/channels/test", tag: tag, action: access.Notify,
		summary: "Send a test message", failed: "Test message failed", fails: []int{404},
	}, func(ctx context.Context, by access.Principal, in *struct {
		Channel string `query:"channel" maxLength:"100" doc:"Name of the channel. Default: all of them"`
		Body    *Nothing
	},
	) (*answer[Done], error) {
		if err := a.door.TestChannel(ctx, by, in.Channel); err != nil {
			return nil, err
		}
		return reply(Done{true}), nil
	})
}
