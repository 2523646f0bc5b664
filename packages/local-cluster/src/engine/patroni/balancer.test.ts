import { describe, expect, it } from 'vitest';
import { serversUp } from './balancer.ts';

const STATISTICS = `# pxname,svname,qcur,status,weight
master,FRONTEND,,OPEN,
master,pg1,0,UP,1
master,pg2,0,DOWN,1
master,BACKEND,0,UP,1
replica,FRONTEND,,OPEN,
replica,pg1,0,DOWN 1/2,1
replica,pg2,0,UP 1/2,1
replica,pg3,0,no check,1
replica,BACKEND,0,UP,1

`;

describe('serversUp', () => {
  it('names the servers of a section that take connections, also those about to go down', () => {
    expect(serversUp(STATISTICS, 'master')).toEqual(['pg1']);
    expect(serversUp(STATISTICS, 'replica')).toEqual(['pg2']);
  });
});
