//go:build !race

package service

const sparse = 1
