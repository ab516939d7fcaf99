package doctor

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// fileSystems are those that matter, by the numbers of statfs(2).
var fileSystems = map[uint32]FileSystem{
	unix.NFS_SUPER_MAGIC:       {Name: "nfs", Network: true},
	unix.SMB_SUPER_MAGIC:       {Name: "smb", Network: true},
	unix.CIFS_SUPER_MAGIC:      {Name: "cifs", Network: true},
	unix.SMB2_SUPER_MAGIC:      {Name: "smb2", Network: true},
	unix.AFS_SUPER_MAGIC:       {Name: "afs", Network: true},
	unix.CODA_SUPER_MAGIC:      {Name: "coda", Network: true},
	unix.CEPH_SUPER_MAGIC:      {Name: "ceph", Network: true},
	unix.V9FS_MAGIC:            {Name: "9p", Network: true},   // folders of a host in a virtual machine
	unix.FUSE_SUPER_MAGIC:      {Name: "fuse", Network: true}, // sshfs, rclone, and the folders of Docker Desktop
	unix.TMPFS_MAGIC:           {Name: "tmpfs", Passing: true},
	unix.RAMFS_MAGIC:           {Name: "ramfs", Passing: true},
	unix.OVERLAYFS_SUPER_MAGIC: {Name: "overlay", Passing: true}, // the writable layer of a container
	unix.EXT4_SUPER_MAGIC:      {Name: "ext4"},
	unix.XFS_SUPER_MAGIC:       {Name: "xfs"},
	unix.BTRFS_SUPER_MAGIC:     {Name: "btrfs"},
	0x2fc12fc1:                 {Name: "zfs"},
}

func fileSystem(path string) (FileSystem, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return FileSystem{}, fmt.Errorf("look at the file system of %s: %w", path, err)
	}
	return fileSystems[uint32(st.Type)], nil
}

// synchronised asks the kernel, which knows from whoever steers its clock (an NTP client
// of any make) whether it does. The state TIME_ERROR means that nobody did of late.
func synchronised() (yes, ok bool) {
	state, err := unix.Adjtimex(&unix.Timex{})
	if err != nil {
		return false, false
	}
	return state != unix.TIME_ERROR, true
}
