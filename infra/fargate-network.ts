/** Where tasks stand: in subnets of a network that is given, or of one that has nothing else in it and costs nothing. */
import {
  GatewayVpcEndpointAwsService,
  type IVpc,
  Peer,
  Port,
  SecurityGroup,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import type { Construct } from 'constructs';
import { acknowledge } from './nag.ts';

export interface FargateNetwork {
  readonly subnetIds: readonly string[];
  readonly securityGroupId: string;
  /** Without a NAT gateway a task needs an address of its own to fetch its image. */
  readonly hasPublicIp: boolean;
}

const HTTPS = 443;

export function fargateNetwork(scope: Construct, given: IVpc | Vpc | undefined): FargateNetwork {
  // With exactOptionalPropertyTypes a Vpc is no IVpc.
  const vpc = (given ?? ownVpc(scope)) as IVpc;
  // Private subnets with a way out where there are some.
  const { subnetIds, hasPublic } = vpc.selectSubnets();
  const group = new SecurityGroup(scope, 'FargateSecurityGroup', {
    vpc,
    description: 'Tasks of torchferry: they call AWS, nothing calls them',
    allowAllOutbound: false,
  });
  group.addEgressRule(Peer.anyIpv4(), Port.tcp(HTTPS), 'the image, S3, Step Functions and logs');
  return { subnetIds, securityGroupId: group.securityGroupId, hasPublicIp: hasPublic };
}

/** Public subnets and no NAT gateway; what goes to S3 stays inside of AWS. */
function ownVpc(scope: Construct): Vpc {
  const vpc = new Vpc(scope, 'FargateVpc', {
    maxAzs: 2,
    natGateways: 0,
    subnetConfiguration: [{ name: 'Public', subnetType: SubnetType.PUBLIC, mapPublicIpOnLaunch: false }],
    gatewayEndpoints: { S3: { service: GatewayVpcEndpointAwsService.S3 } },
    // It would take a function and a role to empty a group that nothing uses.
    restrictDefaultSecurityGroup: false,
  });
  acknowledge(vpc, {
    'AwsSolutions-VPC7':
      'it holds tasks that call AWS over TLS and that nothing can call; a flow log would bill each call',
  });
  return vpc;
}
