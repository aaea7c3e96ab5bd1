package rolecall

import (
	"context"

	rolecallv1 "github.com/rolecall/rolecall/clients/go/rolecall/v1"
)

// WhoAmI returns how the server recognises this client.
func (c *Client) WhoAmI(ctx context.Context) (*rolecallv1.WhoAmIResponse, error) {
	return limited(ctx, c, c.callers, rolecallv1.CallerServiceClient.WhoAmI, &rolecallv1.WhoAmIRequest{})
}

// CanI returns whether this client may do an action on a resource: an ARN, empty if the action names none. Values are condition keys.
func (c *Client) CanI(ctx context.Context, action, resource string, values Values) (*rolecallv1.CanIResponse, error) {
	request := &rolecallv1.CanIRequest{Action: action, Resource: resource, Context: conditionValues(values)}
	return limited(ctx, c, c.callers, rolecallv1.CallerServiceClient.CanI, request)
}

// ValidateTrustPolicy reports every rule that a trust policy breaks. An invalid document is an answer, not an error.
func (c *Client) ValidateTrustPolicy(
	ctx context.Context, request *rolecallv1.ValidateTrustPolicyRequest,
) (*rolecallv1.ValidateTrustPolicyResponse, error) {
	return limited(ctx, c, c.policies, rolecallv1.PolicyServiceClient.ValidateTrustPolicy, request)
}

// ValidatePermissionPolicy reports every rule that a permission policy breaks. An invalid document is an answer, not an error.
func (c *Client) ValidatePermissionPolicy(
	ctx context.Context, request *rolecallv1.ValidatePermissionPolicyRequest,
) (*rolecallv1.ValidatePermissionPolicyResponse, error) {
	return limited(ctx, c, c.policies, rolecallv1.PolicyServiceClient.ValidatePermissionPolicy, request)
}
