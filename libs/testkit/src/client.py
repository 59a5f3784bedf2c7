# A user's client, or a component (XEP-0114) which speaks for one address of its name, driven over its input and telling over its output, a JSON object a line.
#   in:  {"do": "subscribe"|"message"|"ping"|"presence"|"leave", "to": JID, "body": TEXT, "id": ID}
#   out: {"on": "ready"|"failed"|"subscribed"|"presence"|"message"|"pong"|"error"|"asked", ...}
import asyncio
import json
import sys

import slixmpp


def tell(**event):
    print(json.dumps(event), flush=True)


class Talker:
    def listen(self):
        self.register_plugin('xep_0199')
        self.add_event_handler('session_start', self.start)
        self.add_event_handler('failed_auth', lambda _: tell(on='failed', why='authentication'))
        self.add_event_handler('connection_failed', lambda why: tell(on='failed', why=str(why)))
        self.add_event_handler('disconnected', lambda why: tell(on='failed', why='disconnected'))
        self.add_event_handler('message', lambda m: m['type'] == 'error' or tell(on='message', sender=str(m['from']), body=m['body'], id=m['id']))
        self.add_event_handler('message_error', lambda m: tell(on='error', kind='message', sender=str(m['from']), id=m['id'], condition=m['error']['condition'], text=m['error']['text']))
        self.add_event_handler('presence_subscribe', lambda p: tell(on='asked', sender=str(p['from'])))
        self.add_event_handler('presence_subscribed', lambda p: tell(on='subscribed', sender=str(p['from'])))
        self.add_event_handler('presence_available', lambda p: tell(on='presence', sender=str(p['from']), status=p['status']))
        self.add_event_handler('presence_unavailable', lambda p: tell(on='gone', sender=str(p['from'])))
        self.add_event_handler('presence_error', lambda p: tell(on='error', kind='presence', sender=str(p['from']), condition=p['error']['condition'], text=p['error']['text']))

    async def ping(self, to, id):
        try:
            await self.plugin['xep_0199'].send_ping(to, ifrom=self.speaks_as, timeout=20)
            tell(on='pong', sender=to, id=id)
        except slixmpp.exceptions.IqError as error:
            tell(on='error', kind='iq', sender=to, id=id, condition=error.condition, text=error.text)
        except slixmpp.exceptions.IqTimeout:
            tell(on='error', kind='iq', sender=to, id=id, condition='no-answer', text='')

    def obey(self, order):
        do, to = order['do'], order.get('to')
        if do == 'subscribe':
            self.send_presence_subscription(pto=to, ptype='subscribe')
        elif do == 'message':
            self.make_message(mto=to, mfrom=self.speaks_as, mbody=order['body'], mtype=order.get('type', 'chat')).send()
        elif do == 'presence':
            self.send_presence(pstatus=order.get('body', ''))
        elif do == 'ping':
            asyncio.ensure_future(self.ping(to, order.get('id', '')))
        elif do == 'leave':
            self.disconnect()


class Client(Talker, slixmpp.ClientXMPP):
    # Its server knows who it is.
    speaks_as = None

    def __init__(self, jid, password):
        super().__init__(jid, password)
        self.listen()
        self.plugin['feature_mechanisms'].unencrypted_plain = True
        # Whoever asks may see the presence, and is asked back.
        self.auto_authorize = True
        self.auto_subscribe = True

    async def start(self, _):
        await self.get_roster()
        self.send_presence(pstatus='here')
        tell(on='ready', jid=str(self.boundjid))


class Component(Talker, slixmpp.ComponentXMPP):
    def __init__(self, jid, secret):
        super().__init__(slixmpp.JID(jid).domain, secret)
        self.speaks_as = jid
        self.listen()

    async def start(self, _):
        tell(on='ready', jid=self.speaks_as)


async def orders(client):
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_event_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        client.obey(json.loads(line))
    transport.close()
    client.disconnect()


kind, jid, password, host, port = sys.argv[1:6]
if kind == 'component':
    client = Component(jid, password)
    client.connect(host=host, port=int(port))
else:
    client = Client(jid, password)
    client.connect(address=(host, int(port)), use_ssl=False, force_starttls=False, disable_starttls=True)
# The loop holds no reference to it.
task = client.loop.create_task(orders(client))
client.loop.run_forever()
