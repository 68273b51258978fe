-- $first and $last bound the numbers of the rows of this slice: [first, last). Row r below $containers is a pass of container r,
-- but every 97th is a second pass (rework) of the container before it, which leaves that one without any; the rows
-- beyond $containers are rework of containers drawn at random.
INSERT INTO MES_LOT_HISTORY
WITH passes AS (
    SELECT r,
           CASE WHEN r >= $containers THEN below(r, 'again', $containers) WHEN r % 97 = 96 THEN r - 1 ELSE r END AS c,
           r >= $containers OR r % 97 = 96 AS rework
    FROM range($first, $last) numbers(r)
), stations AS (
    SELECT *, skewed(r, 'station', 12) AS station, skewed(r, 'machine', 9) + 1 AS machine,
           1000 + 50 * below(c, 'qty', 40) AS quantity, u(r, 'loses') < 0.35 AS loses, u(r, 'running') < 0.004 AS running,
           started(c) + to_microseconds(below(r, 'wait', 21600000000)) + CASE WHEN rework THEN INTERVAL 2 DAY ELSE INTERVAL 0 DAY END AS begins
    FROM passes
), outcomes AS (
    SELECT *, CASE WHEN loses AND NOT running THEN 1 + skewed(r, 'loss', 60) ELSE 0 END AS defects,
           skewed(r, 'reason', 20) AS reason,
           begins + to_microseconds(600000000 + below(r, 'cycle', 14400000000)) AS ends,
           work_centre_code(station) || '-' || lpad(machine::VARCHAR, 2, '0') AS equipment
    FROM stations
)
SELECT 488103800000000000 + r,
       container_id(c), container_name(c), work_order(c), product(c), product_line(c),
       bill_of_process(c), 'WF-' || product_line(c) || '-MAIN', work_centre(station) || ' / ' || (10 * station + 10)::VARCHAR,
       'SPEC-' || work_centre_code(station) || '-' || (100 + below(c // 1000, 'spec', 40)), 1 + below(c // 1000, 'specrev', 12),
       work_centre(station), 'WCG-' || (1 + station // 4), 'EQ' || lpad((station * 100 + machine)::VARCHAR, 5, '0'), equipment,
       work_centre_code(station) || ' series ' || chr(65 + (machine % 4)::INTEGER),
       CASE WHEN rework THEN 'REWORK' ELSE 'NORMAL' END, rework::INTEGER,
       uneven(begins, r, 'infraction'), CASE WHEN NOT running THEN uneven(ends, r, 'outfraction') END,
       date_trunc('day', begins)::TIMESTAMP_S,
       quantity, CASE WHEN NOT running THEN quantity - defects END, CASE WHEN NOT running THEN defects END,
       CASE WHEN defects > 0 THEN loss_reason(reason) END, CASE WHEN defects > 0 THEN 'LR' || lpad((reason + 1)::VARCHAR, 3, '0') END,
       operator_name(r, 'in'), CASE WHEN NOT running THEN operator_name(r, 'out') END,
       pick(['D', 'N', '日班', '夜班'], r, 'shift'), pick(['F1', 'F2', 'F3'], c // 1000, 'factory'),
       CASE WHEN NOT running THEN ((quantity - defects)::DECIMAL(18, 6) / quantity)::DECIMAL(9, 6) END,
       (below(r, 'cost', 900000000000)::DECIMAL(38, 10) / 10000000)::DECIMAL(38, 10) + (below(r, 'cent', 1000000)::DECIMAL(38, 10) * 0.0000000001),
       (20000 + below(r, 'thickness', 9000))::DECIMAL(12, 4) / 100,
       18.0 + u(r, 'temperature') * 160.0, CASE WHEN u(r, 'gauge') > 0.1 THEN pow(10.0, u(r, 'pressure') * 12.0 - 7.0) END,
       below(r, 'recipe', 4000) + 1,
       'RCP_' || work_centre_code(station) || '_' || product_line(c) || '_V' || (1 + below(r, 'version', 30))
           || ';SPEED=' || (80 + below(r, 'speed', 40)) || ';FORCE=' || (20 + below(r, 'force', 60)) || 'gf;POWER='
           || (60 + below(r, 'power', 80)) || 'mW;PROFILE=' || md5('profile' || below(r, 'profile', 5000)),
       readings(hex32(r, 'z1') || hex32(r, 'z2') || hex32(r, 'z3') || hex32(r, 'z4') || hex32(r, 'z5') || hex32(r, 'z6'), 'CURRENT'), remark(r, 'remark')
FROM outcomes;
