"""
The script of the school project that SchoolDB came from: 300 threads, a connection each, one random row every half
second. As it was, except that the address comes from the environment (PGHOST, PGPORT, PGDATABASE, PGUSER, PGPASSWORD,
PGSSLMODE), and that Ctrl-C ends it.
"""
import concurrent.futures
import os
import signal
import sys
import time

try:
    import psycopg2
    from psycopg2 import OperationalError
except ImportError:
    sys.exit("psycopg2 is missing: sudo apt-get install python3-psycopg2, or pip install psycopg2-binary")


def connect_db():
    while True:
        try:
            print("Connecting...")
            conn = psycopg2.connect(connect_timeout=2)
            print("Connected to the database.")
            return conn
        except OperationalError as e:
            print(f"\033[91mConnection failed: '{str(e).strip()}' Retrying...\033[0m")
            time.sleep(0.5)


def read_random_id(conn, thread_id):
    try:
        with conn.cursor() as cursor:
            cursor.execute("SELECT id, name, num_col FROM testdaten ORDER BY RANDOM() LIMIT 1;")
            result = cursor.fetchone()
            if result:
                print(
                    f"\033[92mThread-{thread_id:3d} | Random ID: {result[0]:3d}, "
                    f"Name: {result[1]:<20}, Num_col: {result[2]:3d}\033[0m"
                )
            else:
                print("No records found.")
    except Exception as e:
        print(f"\033[91mError during query execution: '{str(e).strip()}'\033[0m")


def read_loop(thread_id):
    conn = connect_db()
    print(f"Thread-{thread_id} started.")
    while True:
        if conn is None or conn.closed:
            conn = connect_db()
        read_random_id(conn, thread_id)
        time.sleep(0.5)


if __name__ == "__main__":
    # Threads that wait for a server would keep the process from ending.
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    with concurrent.futures.ThreadPoolExecutor(max_workers=600) as executor:
        futures = [executor.submit(read_loop, thread_id) for thread_id in range(300)]
        concurrent.futures.wait(futures)
