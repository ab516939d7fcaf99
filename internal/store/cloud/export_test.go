package cloud

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// S3Name is for tests.
var S3Name = s3Name

// PartSize is for tests.
var PartSize = partSize

// Versions counts the versions and delete markers of an object at S3.
func (s *Store) Versions(ctx context.Context, key string) (int, error) {
	p := s.provider.(*s3Provider)
	page, err := p.client.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: aws.String(p.bucket), Prefix: aws.String(s3Name(s.location.prefix + key))})
	if err != nil {
		return 0, err
	}
	return len(page.Versions) + len(page.DeleteMarkers), nil
}

// Uploads counts the uploads in parts at S3 that were begun and not ended.
func (s *Store) Uploads(ctx context.Context) (int, error) {
	p := s.provider.(*s3Provider)
	page, err := p.client.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: aws.String(p.bucket)})
	if err != nil {
		return 0, err
	}
	return len(page.Uploads), nil
}
