"""A Kafka cluster that is not ours: the mock cluster of librdkafka, which speaks the protocol.

Told over standard input, one order a line; answers `ok` to each:
    down | up                    no broker takes connections, those that there are end; takes them again
    fail <api key> <error>...    the next requests of this kind are answered with these error codes
    heal                         no more of them
    slow <ms>                    answers come so much later
    topic <name> <partitions>
    refuse <topic> <error>       what is said of the topic, 0: nothing
    down-one <id> | up-one <id>
Ends with its standard input.
"""
import ctypes
import sys

c = ctypes
lib = c.CDLL("librdkafka.so.1")
lib.rd_kafka_conf_new.restype = c.c_void_p
lib.rd_kafka_new.restype = c.c_void_p
lib.rd_kafka_new.argtypes = [c.c_int, c.c_void_p, c.c_char_p, c.c_size_t]
lib.rd_kafka_mock_cluster_new.restype = c.c_void_p
lib.rd_kafka_mock_cluster_new.argtypes = [c.c_void_p, c.c_int]
lib.rd_kafka_mock_cluster_bootstraps.restype = c.c_char_p
lib.rd_kafka_mock_cluster_bootstraps.argtypes = [c.c_void_p]
lib.rd_kafka_mock_topic_create.argtypes = [c.c_void_p, c.c_char_p, c.c_int, c.c_int]
lib.rd_kafka_mock_topic_set_error.argtypes = [c.c_void_p, c.c_char_p, c.c_int]
lib.rd_kafka_mock_broker_set_down.argtypes = [c.c_void_p, c.c_int32]
lib.rd_kafka_mock_broker_set_up.argtypes = [c.c_void_p, c.c_int32]
lib.rd_kafka_mock_broker_set_rtt.argtypes = [c.c_void_p, c.c_int32, c.c_int]
lib.rd_kafka_mock_clear_request_errors.argtypes = [c.c_void_p, c.c_int16]
lib.rd_kafka_mock_push_request_errors_array.argtypes = [
    c.c_void_p, c.c_int16, c.c_size_t, c.POINTER(c.c_int)]

PRODUCER = 0
brokers = int(sys.argv[1])
text = c.create_string_buffer(512)
client = lib.rd_kafka_new(PRODUCER, lib.rd_kafka_conf_new(), text, len(text))
cluster = lib.rd_kafka_mock_cluster_new(client, brokers)
print(lib.rd_kafka_mock_cluster_bootstraps(cluster).decode(), flush=True)

for line in sys.stdin:
    order, *given = line.split()
    ids = range(1, brokers + 1)
    if order == "down":
        for each in ids: lib.rd_kafka_mock_broker_set_down(cluster, each)
    elif order == "up":
        for each in ids: lib.rd_kafka_mock_broker_set_up(cluster, each)
    elif order == "slow":
        for each in ids: lib.rd_kafka_mock_broker_set_rtt(cluster, each, int(given[0]))
    elif order == "fail":
        codes = [int(each) for each in given[1:]]
        array = (c.c_int * len(codes))(*codes)
        lib.rd_kafka_mock_push_request_errors_array(cluster, int(given[0]), len(codes), array)
    elif order == "heal":
        for key in (0, 3): lib.rd_kafka_mock_clear_request_errors(cluster, key)
    elif order == "topic":
        lib.rd_kafka_mock_topic_create(cluster, given[0].encode(), int(given[1]), 1)
    elif order == "refuse":
        lib.rd_kafka_mock_topic_set_error(cluster, given[0].encode(), int(given[1]))
    print("ok", flush=True)
