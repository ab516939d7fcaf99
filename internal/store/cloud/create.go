package cloud

import (
	"context"
	"errors"
	"fmt"

	"cloud.google.com/go/storage"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// CreateBucket makes the bucket or container of a URL; with lock, one that has
// versions and object lock, which only S3 has. It is for tests and for trying
// things out: a bucket for backups should be made with care, by other means.
func CreateBucket(ctx context.Context, text string, lock bool) error {
	l, err := parse(text)
	if err != nil {
		return err
	}
	s := newStore(l, Options{})
	if err := s.connect(ctx); err != nil {
		return fmt.Errorf("create %s: %w", l, err)
	}
	defer s.Close()
	var s3Client *s3.Client
	var gcsClient *storage.Client
	var azureClient *container.Client
	switch {
	case s.bucket.As(&s3Client):
		err = createS3(ctx, s3Client, l, lock)
	case lock:
		err = &fault{kind: errors.ErrUnsupported, text: "only s3:// has locks here"}
	case s.bucket.As(&gcsClient):
		err = gcsClient.Bucket(l.bucket).Create(ctx, "litekeep", nil)
	case s.bucket.As(&azureClient):
		_, err = azureClient.Create(ctx, nil)
	}
	if err != nil {
		return fmt.Errorf("create %s: %w", l, s.explain(ctx, err))
	}
	return nil
}

func createS3(ctx context.Context, client *s3.Client, l location, lock bool) error {
	input := &s3.CreateBucketInput{Bucket: aws.String(l.bucket)}
	if lock {
		input.ObjectLockEnabledForBucket = aws.Bool(true)
	}
	if region := client.Options().Region; region != "us-east-1" {
		input.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(region)}
	}
	_, err := client.CreateBucket(ctx, input)
	return err
}
